// SPDX-License-Identifier: BSD-2-Clause
// EIPs of the configuration -> rows of the maps: who is behind, what the HAVIP leaves as, what lies inside.
import test from 'ava';
import type { Config, EipConfig, SubnetConfig } from '../../src/config/types.js';
import { Definitions } from '../../src/control/definitions.js';
import { Eips } from '../../src/control/eips.js';
import { PUBLIC_FLAGS } from '../../src/kernel/layout.gen.js';
import { formatAddress } from '../../src/net/addresses.js';
import { CAPACITY, subnet } from './configs.js';
import { fakeTables } from './fake-maps.js';

const { MANY, HOLDER, AWAY } = PUBLIC_FLAGS;
const NOTHING = (): void => undefined;
const GATEWAY = { gateways: [{ name: 'ext0', proxyArp: true }] };
const HAVIP = '10.0.1.50';

const eip = (address: string, havip = HAVIP, more: Partial<EipConfig> = {}): EipConfig => ({
  ...{ network: 'blue', address, havip, egress: 'any' },
  ...more,
});

const config = (subnets: readonly SubnetConfig[], eips: readonly EipConfig[]): Config => ({
  ...{
    pinPath: '/x',
    socket: '/s',
    metricsListen: null,
    webListen: null,
    statePath: '/x',
    capacity: CAPACITY,
  },
  subnets,
  eips,
});

function world(): { apply: (given: Config) => void; rows: () => Record<string, readonly string[]> } {
  const maps = fakeTables(CAPACITY);
  const definitions = new Definitions(maps, { reset: NOTHING, place: NOTHING, displace: NOTHING }, NOTHING);
  const eips = new Eips(maps, definitions);
  const apply = (given: Config): void => {
    definitions.apply(given.subnets, new Set(given.eips.map(({ network }) => network)));
    eips.refuseTooMany(given.eips);
    eips.apply(given);
  };
  const rows = (): Record<string, readonly string[]> => ({
    eips: [...maps.eips.entries()]
      .map(
        ([{ address }, { havip, flags }]) => `${address.join('.')} ${formatAddress(havip.address)} ${flags}`,
      )
      .sort(),
    publics: [...maps.publics.entries()]
      .map(([{ address }, { eip: first, flags }]) => `${formatAddress(address)} ${first.join('.')} ${flags}`)
      .sort(),
    insides: [...maps.insides.entries()]
      .map(([{ prefix, address }]) => `${address.join('.')}/${prefix - 32}`)
      .sort(),
  });
  return { apply, rows };
}

const web = subnet('web', [HAVIP, '10.0.1.51'], GATEWAY);

test('an EIP, its HAVIP, and the blocks that it does not lead out to', (t) => {
  const { apply, rows } = world();
  const app = subnet('app', [], { bridge: 'br1', cidrs: ['10.0.2.0/23', 'fd00:2::/64'] });
  const red = subnet('red', [], { network: 'red', bridge: 'br2', cidrs: ['10.9.0.0/16'] });
  apply(config([web, app, red], [eip('203.0.113.10')]));
  t.deepEqual(rows(), {
    eips: [`203.0.113.10 ${HAVIP} 0`],
    publics: [`${HAVIP} 203.0.113.10 0`],
    insides: ['10.0.1.0/24', '10.0.2.0/23'],
  });
});

test('of several the first is what the HAVIP leaves as', (t) => {
  const { apply, rows } = world();
  apply(config([web], [eip('203.0.113.12'), eip('203.0.113.10'), eip('203.0.113.11', '10.0.1.51')]));
  t.deepEqual(rows().publics, [`${HAVIP} 203.0.113.12 ${MANY}`, '10.0.1.51 203.0.113.11 0']);
  t.deepEqual(rows().eips, [
    `203.0.113.10 ${HAVIP} ${MANY}`,
    '203.0.113.11 10.0.1.51 0',
    `203.0.113.12 ${HAVIP} ${MANY}`,
  ]);
});

test('who may leave, and where the gateways are', (t) => {
  const { apply, rows } = world();
  apply(config([{ ...web, gateways: [] }], [eip('203.0.113.10', HAVIP, { egress: 'holder' })]));
  t.deepEqual(rows().publics, [`${HAVIP} 203.0.113.10 ${HOLDER | AWAY}`]);
});

test('what the file no longer names is taken out, whoever wrote it', (t) => {
  const { apply, rows } = world();
  apply(config([web], [eip('203.0.113.10'), eip('203.0.113.11', '10.0.1.51')]));
  apply(config([web], [eip('203.0.113.11')]));
  t.deepEqual(rows().eips, [`203.0.113.11 ${HAVIP} 0`]);
  t.deepEqual(rows().publics, [`${HAVIP} 203.0.113.11 0`]);
  apply(config([web], []));
  t.deepEqual(rows(), { eips: [], publics: [], insides: [] });
});

test('more than there is room for are refused before anything is changed', (t) => {
  const { apply, rows } = world();
  const many = Array.from({ length: 2 * CAPACITY.havips + 1 }, (_, i) => eip(`203.0.113.${i + 1}`));
  t.throws(() => apply(config([web], many)), {
    message: /^9 EIPs are configured; the loaded maps have room for 8$/,
  });
  t.deepEqual(rows().eips, []);
});
