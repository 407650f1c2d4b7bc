// SPDX-License-Identifier: BSD-2-Clause
// OVN of Debian in a lab: its databases, its daemons and Open vSwitch with the userspace datapath, with folders and
// sockets of the lab's own, as children that end with it. The system's services have no part in it.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { isInPath } from '../lab/demo-place.js';
import type { Lab } from '../lab/lab.js';
import { ADDRESSES, VIP } from '../lab/topology.js';

const PROGRAMS = ['ovsdb-tool', 'ovsdb-server', 'ovs-vswitchd', 'ovs-vsctl', 'ovn-northd', 'ovn-controller'];
const SCHEMAS = {
  conf: '/usr/share/openvswitch/vswitch.ovsschema',
  nb: '/usr/share/ovn/ovn-nb.ovsschema',
  sb: '/usr/share/ovn/ovn-sb.ovsschema',
};
export const OVN_PACKAGES = 'openvswitch-switch ovn-host ovn-central';
/** No switch of this host needs it: all of them are this one. */
const CHASSIS = 'lab';
const ROUTER_MAC = { web: '02:00:00:00:01:01', app: '02:00:00:00:02:01' } as const;
/** The virtual port's own, which no frame ever has. */
const VIP_MAC = '02:00:00:00:01:50';

export const hasOvn = (): boolean =>
  PROGRAMS.every((program) => isInPath(program)) && Object.values(SCHEMAS).every((file) => existsSync(file));

/**
 * Takes the guests off their bridge and gives them a logical switch each subnet, with VIP as a virtual port of vm-a and
 * vm-b. Resolves when the flows are installed.
 * @param routed The guest `client2` is behind a logical router.
 */
export async function startOvn(lab: Lab, { routed }: { routed: boolean }): Promise<void> {
  const folder = `${lab.tempDir}/ovn`;
  await mkdir(folder, { mode: 0o700 });
  const ovn = new Ovn(lab, folder);
  await ovn.start();
  const guests = ['vm-a', 'vm-b', 'client', ...(routed ? ['client2'] : [])];
  for (const guest of guests) await ovn.plug(guest);
  await ovn.draw(logicalNetwork(lab, routed));
}

class Ovn {
  private readonly db: string;
  private readonly env: Record<string, string>;

  constructor(
    private readonly lab: Lab,
    private readonly folder: string,
  ) {
    this.db = `unix:${folder}/db.sock`;
    this.env = Object.fromEntries(
      [
        'OVS_RUNDIR',
        'OVS_LOGDIR',
        'OVS_DBDIR',
        'OVS_SYSCONFDIR',
        'OVN_RUNDIR',
        'OVN_LOGDIR',
        'OVN_DBDIR',
      ].map((name) => [name, folder]),
    );
  }

  /** One server has all three databases. */
  async start(): Promise<void> {
    for (const [name, schema] of Object.entries(SCHEMAS))
      await this.run(['ovsdb-tool', 'create', `${this.folder}/${name}.db`, schema]);
    const files = Object.keys(SCHEMAS).map((name) => `${this.folder}/${name}.db`);
    this.spawn(['ovsdb-server', `--remote=p${this.db}`, ...files]);
    await this.appears('db.sock');
    const ids = [
      `system-id=${CHASSIS}`,
      `ovn-remote=${this.db}`,
      'ovn-encap-type=geneve',
      'ovn-encap-ip=127.0.0.1',
      'ovn-bridge-datapath-type=netdev',
    ];
    // Nobody is there yet who would carry it out.
    await this.vsctl([
      '--no-wait',
      'init',
      '--',
      'set',
      'Open_vSwitch',
      '.',
      ...ids.map((id) => `external_ids:${id}`),
    ]);
    this.spawn(['ovs-vswitchd', this.db]);
    await this.vsctl([
      'add-br',
      'br-int',
      '--',
      'set',
      'Bridge',
      'br-int',
      'datapath_type=netdev',
      'fail_mode=secure',
    ]);
    // As ovn-ctl does: daemons that find no row of their own each make one, and now and then miss the other's.
    for (const ctl of ['ovn-nbctl', 'ovn-sbctl'])
      await this.run([ctl, `--db=${this.db}`, '--timeout=10', 'init']);
    this.spawn(['ovn-northd', `--ovnnb-db=${this.db}`, `--ovnsb-db=${this.db}`]);
    this.spawn(['ovn-controller', this.db]);
  }

  /** The userspace datapath sends on what it gets: what a guest leaves to its NIC would never be done. */
  async plug(guest: string): Promise<void> {
    const port = this.lab.port(guest);
    await this.lab.must(guest, ['ethtool', '-K', 'eth0', 'tx', 'off']);
    await this.lab.ip('hv', [`link set ${port} nomaster`]);
    await this.vsctl([
      'add-port',
      'br-int',
      port,
      '--',
      'set',
      'Interface',
      port,
      `external_ids:iface-id=${guest}`,
    ]);
  }

  /** @param commands Of ovn-nbctl. */
  async draw(commands: readonly string[][]): Promise<void> {
    const argv = commands.flatMap((command, i) => (i ? ['--', ...command] : command));
    await this.run(['ovn-nbctl', `--db=${this.db}`, '--timeout=10', ...argv]);
    await this.run(['ovn-nbctl', `--db=${this.db}`, '--timeout=15', '--wait=hv', 'sync']);
  }

  private vsctl(argv: readonly string[]): Promise<string> {
    return this.run(['ovs-vsctl', `--db=${this.db}`, '--timeout=10', ...argv]);
  }

  private run(argv: readonly string[]): Promise<string> {
    return this.lab.must('hv', argv, { env: this.env });
  }

  private spawn(argv: readonly string[]): void {
    this.lab.spawn('hv', argv, { env: this.env });
  }

  private async appears(name: string): Promise<void> {
    for (let attempt = 0; attempt < 250; attempt++) {
      if (existsSync(`${this.folder}/${name}`)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`ovsdb-server made no ${name}`);
  }
}

function logicalNetwork(lab: Lab, routed: boolean): string[][] {
  const port = (subnet: string, guest: keyof typeof ADDRESSES): string[][] => [
    ['lsp-add', subnet, guest],
    ['lsp-set-addresses', guest, `${lab.mac(guest)} ${ADDRESSES[guest]}`],
  ];
  return [
    ['ls-add', 'web'],
    ...(['vm-a', 'vm-b', 'client'] as const).flatMap((guest) => port('web', guest)),
    ['lsp-add', 'web', 'vip'],
    ['lsp-set-type', 'vip', 'virtual'],
    ['lsp-set-addresses', 'vip', `${VIP_MAC} ${VIP}`],
    ['lsp-set-options', 'vip', `virtual-ip=${VIP}`, 'virtual-parents=vm-a,vm-b'],
    ...(routed ? [...router(), ...port('app', 'client2')] : []),
  ];
}

function router(): string[][] {
  const leg = (subnet: 'web' | 'app', address: string): string[][] => [
    ['lrp-add', 'router', `router-${subnet}`, ROUTER_MAC[subnet], `${address}/24`],
    ['lsp-add', subnet, `${subnet}-router`],
    ['lsp-set-type', `${subnet}-router`, 'router'],
    ['lsp-set-addresses', `${subnet}-router`, 'router'],
    ['lsp-set-options', `${subnet}-router`, `router-port=router-${subnet}`],
  ];
  return [
    ['lr-add', 'router'],
    ['ls-add', 'app'],
    ...leg('web', ADDRESSES.router),
    ...leg('app', ADDRESSES.routerApp),
  ];
}
