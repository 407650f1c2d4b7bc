// SPDX-License-Identifier: BSD-2-Clause
// The language of the configuration file, once: the TypeScript type, the JSON Schema and the words of the messages
// all come from here. What one value may be alone; rules across values are rules.ts.
import { z } from 'zod';
import * as field from './fields.js';

/** Hard limits of the BPF maps. */
export const MAX_HAVIPS = 1_048_576;
export const MAX_PORTS = 4096;

export const DEFAULTS = {
  pinPath: '/sys/fs/bpf/havip',
  socket: '/run/havip/havip.sock',
  listen: '127.0.0.1:9477',
  webListen: '127.0.0.1:9478',
  statePath: '/var/lib/havip',
  /** The least that the binding table is made for, so that a small configuration can grow without a new map. */
  havips: 4096,
  ports: 1024,
  damping: { moves: 5, window: '10s' },
} as const;

/** A mapping that refuses unknown keys; its description lists the known ones. */
function section<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z
    .strictObject(shape)
    .meta({ description: `a mapping with the keys ${Object.keys(shape).join(', ')}` });
}

function listOf<T extends z.ZodType>(element: T, allowed: string): z.ZodArray<T> {
  return z.array(element).meta({ description: allowed });
}

const damping = section({
  moves: field.wholeNumber(1, 16, 'moves').default(DEFAULTS.damping.moves),
  window: field.window.default(DEFAULTS.damping.window),
});

const havipFields = section({
  address: field.address,
  members: listOf(
    field.interfaceName,
    'a list of one or more interface names; leave it out to allow every port',
  )
    .min(1)
    .optional(),
  rebind: field.choice(['kernel', 'loader'], 'kernel or loader').default('kernel'),
  guard: field.choice(['enforce', 'monitor'], 'enforce or monitor').default('enforce'),
  unheld: field.choice(['pass', 'drop'], 'pass or drop').default('pass'),
  damping: damping.default(DEFAULTS.damping),
  heal: field.choice(['verify', 'alarm'], 'verify or alarm').default('verify'),
  arp: field.choice(['proxy', 'off'], 'proxy or off').default('off'),
  serviceMac: field.stationMac.optional(),
});

const havip = havipFields
  .superRefine(({ arp, serviceMac }, ctx) => {
    if (serviceMac === undefined || arp === 'proxy') return;
    const params = { why: 'nobody is told', cure: 'add "arp: proxy"' };
    ctx.addIssue({ code: 'custom', path: ['serviceMac'], input: serviceMac, params });
  })
  .meta(havipFields.meta() ?? {});

const uplinkFields = z.strictObject({
  name: field.interfaceName,
  gateway: z.boolean().meta({ description: 'true or false' }).default(false),
  proxyArp: z.boolean().meta({ description: 'true or false' }).optional(),
});

const uplinkWords = 'the name of an interface, or a mapping with the keys name, gateway, proxyArp';

const uplink = z
  .union([
    field.interfaceName,
    uplinkFields
      .superRefine(({ gateway, proxyArp }, ctx) => {
        if (proxyArp === undefined || gateway) return;
        const params = { why: 'only a gateway has EIPs to answer for', cure: 'add "gateway: true"' };
        ctx.addIssue({ code: 'custom', path: ['proxyArp'], input: proxyArp, params });
      })
      .meta({ description: uplinkWords }),
  ])
  .meta({ description: uplinkWords });

const hooks = z
  .record(field.interfacePattern, field.choice(['xdp', 'tc', 'auto'], 'xdp, tc or auto'))
  .meta({ description: 'a mapping from port names or globs to xdp, tc or auto' });

const subnet = section({
  name: field.name,
  cidr: z
    .union([field.cidr, listOf(field.cidr, 'a list of one or more of address/prefix').min(1)])
    .meta({ description: 'address/prefix, such as 10.0.1.0/24, or a list of one or more of them' }),
  bridge: field.interfaceName,
  vlan: listOf(
    field.wholeNumber(1, 4094, 'a VLAN id').meta({ description: 'a VLAN id, 1 to 4094' }),
    'a list of no, one or two VLAN ids',
  )
    .max(2)
    .default([]),
  uplinks: listOf(uplink, 'a list of interfaces').default([]),
  hooks: hooks.default({}),
  portSecurity: z.boolean().meta({ description: 'true or false' }).default(false),
  havips: listOf(havip, 'a list of mappings with an address each').default([]),
});

const eip = section({
  address: field.address,
  havip: field.address,
  egress: field.choice(['any', 'holder'], 'any or holder').default('any'),
});

const network = section({
  name: field.name,
  subnets: listOf(subnet, 'a list of subnets').default([]),
  eips: listOf(eip, 'a list of mappings of address and havip').default([]),
});

const capacity = section({
  havips: field.wholeNumber(1, MAX_HAVIPS, 'HAVIPs').optional(),
  ports: field.wholeNumber(1, MAX_PORTS, 'ports').default(DEFAULTS.ports),
});

export const configSchema = section({
  pinPath: field.folder.default(DEFAULTS.pinPath),
  api: section({ socket: field.socketPath.default(DEFAULTS.socket) }).default({ socket: DEFAULTS.socket }),
  metrics: section({ listen: field.listen.default(DEFAULTS.listen) }).default({ listen: DEFAULTS.listen }),
  web: section({ listen: field.listen.default(DEFAULTS.webListen) }).default({ listen: DEFAULTS.webListen }),
  statePath: field.folder.default(DEFAULTS.statePath),
  capacity: capacity.default({ ports: DEFAULTS.ports }),
  networks: listOf(network, 'a list of networks'),
});

/** The file as it may be written: keys with a default may be absent. */
export type ConfigInput = z.input<typeof configSchema>;
/** The file after validation: defaults filled in, spelling as the user chose. */
export type ConfigFile = z.output<typeof configSchema>;
export type SubnetInput = z.input<typeof subnet>;
export type HavipFile = z.output<typeof havip>;
export type SubnetFile = z.output<typeof subnet>;
