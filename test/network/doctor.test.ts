// SPDX-License-Identifier: BSD-2-Clause
// `havip doctor` on hosts that are spoiled for real, one thing at a time: it names that thing, with a cure that a shell
// takes, and nothing else; and on a sound host nothing at all.
import test from 'ava';
import { chmod, writeFile } from 'node:fs/promises';
import type { Lab } from '../../src/lab/lab.js';
import { VIP, VIP6 } from '../../src/lab/topology.js';
import {
  CLI,
  configPath,
  havip,
  heldBy,
  pinPath,
  startDaemon,
  webConfig,
  WAYS,
  type Daemon,
} from '../support/daemon.js';
import { checkFinds, examine, FOREIGN, snapshot, type Wanted } from '../support/doctor.js';
import { eventually, requireRoot } from '../support/lab.js';
import { mapsFolder } from '../../src/kernel/pins.js';
import { slotOf, steerTo, withTables } from '../support/maps.js';
import type { Tables } from '../../src/kernel/maps.js';
import { EIP, eipConfig, outsideLab } from '../support/outside.js';
import { addFarGuest, addGuest, pairLab, takeOver } from '../support/pair.js';

test.before(requireRoot);

const CONFIG = webConfig([{ address: VIP }, { address: VIP6 }], { uplinks: ['uplink0'] });

/** veth and tap guests and an uplink, served; VIP at vm-a. */
async function soundLab(t: Parameters<typeof pairLab>[0], env = {}): Promise<{ lab: Lab; daemon: Daemon }> {
  const lab = await pairLab(t, { 'vm-b': 'tap' });
  await addFarGuest(lab, 'far', '10.0.1.13');
  const daemon = await startDaemon(lab, { config: CONFIG, env });
  await takeOver(lab, 'vm-a');
  return { lab, daemon };
}

for (const { way, env } of WAYS) {
  test.serial(
    `a sound host has no warning, by file, by daemon, and nothing is changed (${way})`,
    async (t) => {
      const { lab } = await soundLab(t, env);
      const before = await snapshot(lab);
      const byDaemon = await examine(lab);
      t.deepEqual(byDaemon.wrong, [], JSON.stringify(byDaemon.findings, null, 1));
      t.is(byDaemon.code, 0);
      t.is(await snapshot(lab), before);
      const byFile = await examine(lab, '--config', configPath(lab));
      t.deepEqual(byFile.findings, byDaemon.findings);
      const areas = new Set(byDaemon.findings.map(({ area }) => area));
      for (const area of [
        'kernel',
        'privileges',
        'pins',
        'daemon',
        'configuration',
        'programs',
        'ports',
        'bridges',
        'maps',
      ])
        t.true(areas.has(area as never), area);
      const { stdout } = await havip(lab, 'doctor');
      t.regex(stdout, /^nothing is wrong: \d+ checks are ok \(-v lists them\)\n$/);
      const { stdout: verbose } = await havip(lab, 'doctor', '-v');
      t.is(verbose.split('\n').filter((line) => line.startsWith('ok ')).length, byDaemon.findings.length);
    },
  );
}

interface Case {
  readonly title: string;
  readonly spoil: (lab: Lab, daemon: Daemon) => Promise<unknown>;
  readonly mend: (lab: Lab, daemon: Daemon) => Promise<unknown>;
  readonly wanted: Wanted;
}

const bridgeFlag = (flag: string, odd: string, usual: string, says: RegExp): Case => ({
  title: `${flag} ${odd} on a port`,
  spoil: (lab) => lab.must('hv', ['bridge', 'link', 'set', 'dev', 'vnic-vm-a', flag, odd]),
  mend: (lab) => lab.must('hv', ['bridge', 'link', 'set', 'dev', 'vnic-vm-a', flag, usual]),
  wanted: {
    finding: `warn bridges ${flag} ${odd} on br-web`,
    says,
    cure: new RegExp(`bridge link set dev vnic-vm-a ${flag} ${usual}`),
  },
});

const bridgeOption = (lab: Lab, ...options: string[]): Promise<unknown> =>
  lab.must('hv', ['ip', 'link', 'set', 'br-web', 'type', 'bridge', ...options]);

const CASES: readonly Case[] = [
  {
    title: 'a pin folder that others may write',
    spoil: async (lab) => chmod(await pinPath(lab), 0o777),
    mend: async (lab) => chmod(await pinPath(lab), 0o700),
    wanted: { finding: 'fail pins pin folder', says: /others may write .*mode 0777/, cure: /^chmod 0700 / },
  },
  {
    title: 'a daemon that is stopped',
    spoil: (_, { pid }) => Promise.resolve(process.kill(pid, 'SIGSTOP')),
    mend: (_, { pid }) => Promise.resolve(process.kill(pid, 'SIGCONT')),
    wanted: { finding: 'fail daemon process', says: /is stopped/, cure: /^kill -CONT \d+$/ },
  },
  {
    title: 'a filter of somebody else',
    spoil: async (lab) => {
      await lab.must('hv', ['tc', 'qdisc', 'add', 'dev', 'vnic-vm-a', 'clsact']);
      const match = ['u32', 'match', 'u32', '0', '0', 'flowid', '1:1'];
      await lab.must('hv', [
        'tc',
        'filter',
        'add',
        'dev',
        'vnic-vm-a',
        'ingress',
        'protocol',
        'all',
        ...match,
      ]);
    },
    mend: (lab) => lab.must('hv', ['tc', 'qdisc', 'del', 'dev', 'vnic-vm-a', 'clsact']),
    wanted: {
      finding: 'warn programs other on vnic-vm-a',
      says: /^ingress: clsact u32 filter, pref 49152 .*after ours: it does not see what havip redirects/,
      cure: /tc filter show dev vnic-vm-a ingress/,
    },
  },
  {
    title: 'ports with other MTUs',
    spoil: (lab) => lab.ip('hv', ['link set vnic-vm-a mtu 1400']),
    // The bridge has followed its smallest port.
    mend: (lab) => lab.ip('hv', ['link set vnic-vm-a mtu 1500', 'link set br-web mtu 1500']),
    wanted: {
      finding: 'warn ports MTU on br-web',
      says: /vnic-vm-a 1400, others 1500/,
      cure: /^ip link set vnic-vm-a mtu 1500/,
    },
  },
  {
    title: 'a bridge with an MTU beyond its ports',
    spoil: (lab) => lab.ip('hv', ['link set br-web mtu 9000']),
    mend: (lab) => lab.ip('hv', ['link set br-web mtu 1500']),
    wanted: {
      finding: 'warn ports MTU of br-web',
      says: /MTU 9000, its smallest port 1500/,
      cure: /br-web mtu 1500/,
    },
  },
  {
    title: 'multicast snooping with a querier',
    spoil: (lab) => bridgeOption(lab, 'mcast_snooping', '1', 'mcast_querier', '1'),
    mend: (lab) => bridgeOption(lab, 'mcast_snooping', '0', 'mcast_querier', '0'),
    wanted: {
      finding: 'warn bridges snooping on br-web',
      says: /ff02::12/,
      cure: /^ip link set br-web type bridge mcast_snooping 0$/,
    },
  },
  {
    title: 'br_netfilter asked for by the bridge',
    spoil: (lab) => bridgeOption(lab, 'nf_call_iptables', '1'),
    mend: (lab) => bridgeOption(lab, 'nf_call_iptables', '0'),
    wanted: { finding: 'warn bridges br_netfilter', says: /on br-web/, cure: /nf_call_iptables 0/ },
  },
  bridgeFlag('hairpin', 'on', 'off', /sent back/),
  bridgeFlag('isolated', 'on', 'off', /two masters/),
  bridgeFlag('locked', 'on', 'off', /go by havip/),
  bridgeFlag('neigh_suppress', 'on', 'off', /not flooded/),
  bridgeFlag('learning', 'off', 'on', /flooded to every port/),
  bridgeFlag('flood', 'off', 'on', /lost/),
  bridgeFlag('mcast_flood', 'off', 'on', /224\.0\.0\.18/),
  bridgeFlag('bcast_flood', 'off', 'on', /announcements/),
  {
    title: 'ports that STP holds back',
    // A port that forwards already goes on; one that comes up waits.
    spoil: async (lab) => {
      await bridgeOption(lab, 'forward_delay', '3000', 'stp_state', '1');
      await lab.ip('hv', ['link set vnic-client down', 'link set vnic-client up']);
    },
    // Without STP it is let through when it is asked for again.
    mend: async (lab) => {
      await bridgeOption(lab, 'stp_state', '0');
      await bridgeOption(lab, 'forward_delay', '0');
      await lab.must('hv', ['bridge', 'link', 'set', 'dev', 'vnic-client', 'state', '3']);
    },
    wanted: {
      finding: 'warn bridges STP on br-web',
      says: /vnic-client (blocking|listening|learning).*hears announcements/,
      cure: /^bridge -d link show/,
    },
  },
  {
    title: 'a HAVIP that the host has itself',
    spoil: (lab) => lab.ip('hv', [`address add ${VIP}/32 dev lo`]),
    mend: (lab) => lab.ip('hv', [`address del ${VIP}/32 dev lo`]),
    wanted: {
      finding: `warn host ${VIP}`,
      says: /on lo.*answers ARP for it on br-web/,
      cure: new RegExp(`^ip address del ${VIP}/32 dev lo$`),
    },
  },
  {
    title: 'a host that answers for everybody',
    spoil: (lab) => lab.sysctl('hv', ['net/ipv4/conf/br-web/proxy_arp_pvlan=1']),
    mend: (lab) => lab.sysctl('hv', ['net/ipv4/conf/br-web/proxy_arp_pvlan=0']),
    wanted: { finding: 'warn host bridge br-web', says: /its own MAC/, cure: /proxy_arp_pvlan=0$/ },
  },
  {
    title: 'events that a full ring lost',
    spoil: (lab) => setRingFull(lab, 7),
    mend: (lab) => setRingFull(lab, 0),
    wanted: { finding: 'warn maps ring', says: /^\d+ events were lost/, cure: /^havip events/ },
  },
  {
    title: 'a binding to a port that is none',
    spoil: (lab) =>
      withTables(lab, (tables) => {
        rebindAll(tables, 99);
        steerAll(tables, 99);
      }),
    mend: (lab) =>
      withTables(lab, (tables) => {
        rebindAll(tables, slotOf(tables, 'vnic-vm-a'));
        steerAll(tables, slotOf(tables, 'vnic-vm-a'));
      }),
    wanted: {
      finding: 'fail maps bindings',
      says: /10\.0\.1\.50 \(slot 99\)/,
      cure: /^systemctl restart havip/,
    },
  },
  {
    title: 'packets that are steered past the binding',
    spoil: (lab) => withTables(lab, (tables) => steerAll(tables, slotOf(tables, 'vnic-vm-b'))),
    mend: (lab) => withTables(lab, (tables) => steerAll(tables, slotOf(tables, 'vnic-vm-a'))),
    wanted: { finding: 'fail maps steering', says: /10\.0\.1\.50/, cure: /^systemctl restart havip/ },
  },
  {
    title: 'a devmap without a port',
    spoil: (lab) => withTables(lab, (tables) => tables.redirects.delete(slotOf(tables, 'vnic-vm-b'))),
    mend: (lab) => pointRedirect(lab, 'vnic-vm-b'),
    wanted: { finding: 'fail maps redirects', says: /vnic-vm-b \(slot \d+: empty\)/, cure: /restart/ },
  },
  {
    title: 'a target of another generation than its port',
    spoil: (lab) => bumpGeneration(lab, 1),
    mend: (lab) => bumpGeneration(lab, -1),
    wanted: { finding: 'fail maps ports', says: /vnic-vm-a: generation/, cure: /restart/ },
  },
  {
    title: 'a policy that is not the file’s',
    spoil: (lab) => bumpMoves(lab, 1),
    mend: (lab) => bumpMoves(lab, -1),
    wanted: { finding: 'warn maps policies', says: /other rules than the file’s: /, cure: /^havip reload$/ },
  },
];

const hexOf32 = (value: number): string[] => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return [...bytes].map(String);
};

const mapUpdate = async (
  lab: Lab,
  map: string,
  key: readonly string[],
  value: readonly string[],
): Promise<unknown> =>
  lab.must('hv', [
    'bpftool',
    'map',
    'update',
    'pinned',
    `${mapsFolder(await pinPath(lab))}/${map}`,
    'key',
    ...key,
    'value',
    ...value,
  ]);

/** By a process in the namespace: the kernel looks for the device in the writer's. */
async function pointRedirect(lab: Lab, port: string): Promise<unknown> {
  const [slot, ifindex] = await withTables(lab, (tables) => {
    const at = slotOf(tables, port);
    return [at, tables.targets.get(at)?.ifindex ?? 0] as const;
  });
  return mapUpdate(lab, 'redirects', hexOf32(slot), hexOf32(ifindex));
}

/** On every CPU. */
const setRingFull = (lab: Lab, count: number): Promise<unknown> =>
  mapUpdate(lab, 'losses', hexOf32(0), [...hexOf32(count), ...Array<string>(12).fill('0')]);

/** Whatever is held, at that slot. */
function rebindAll({ bindings }: Tables, port: number): void {
  for (const [key, row] of [...bindings.entries()])
    if (row.holder.port) bindings.set(key, { ...row, holder: { ...row.holder, port } });
}

function steerAll(tables: Tables, port: number): void {
  for (const [, { havip, holder }] of tables.bindings.entries())
    if (holder.port) steerTo(tables, havip, { ...holder, port });
}

const bumpGeneration = (lab: Lab, by: number): Promise<void> =>
  withTables(lab, (tables) => {
    const slot = slotOf(tables, 'vnic-vm-a');
    const target = tables.targets.get(slot);
    if (target) tables.targets.set(slot, { ...target, generation: target.generation + by });
  });

const bumpMoves = (lab: Lab, by: number): Promise<void> =>
  withTables(lab, ({ havips }) => {
    const policy = havips.get(0);
    if (policy) havips.set(0, { ...policy, moves: policy.moves + by });
  });

test.serial('one thing is spoiled at a time, named, mended, and then nothing is wrong', async (t) => {
  t.timeout(600_000);
  const { lab, daemon } = await soundLab(t);
  for (const { title, spoil, mend, wanted } of CASES) {
    t.log(title);
    await spoil(lab, daemon);
    await checkFinds(t, lab, wanted);
    await mend(lab, daemon);
  }
  t.deepEqual((await examine(lab)).wrong, []);
});

for (const hook of ['tcx-ingress', 'tcx-egress', 'xdp-generic'] as const) {
  test.serial(`a program of somebody else is named with its place (${hook})`, async (t) => {
    const { lab } = await soundLab(t);
    const says = {
      'tcx-ingress': /^ingress: tcx link \d+, program \d+ havip_ingress tag [0-9a-f]{16}, after ours/,
      'tcx-egress': /^egress: tcx link \d+, .*on what leaves here/,
      'xdp-generic':
        /^xdp: xdp link, generic, program \d+ havip_xdp tag [0-9a-f]{16}, before ours: .*never sees/,
    }[hook];
    const other = lab.spawn('hv', [process.execPath, FOREIGN, 'attach', hook, 'vnic-vm-a']);
    await other.waitFor(/ready/);
    await checkFinds(t, lab, {
      finding: 'warn programs other on vnic-vm-a',
      says,
      cure: /^bpftool prog show id \d+; bpftool net show dev vnic-vm-a/,
    });
    await other.stop('SIGTERM', 5000);
    t.deepEqual((await examine(lab)).wrong, []);
  });
}

test.serial('a program of ours that somebody took off is a failure, and a new start mends it', async (t) => {
  const { lab, daemon } = await soundLab(t);
  const ifindex = await withTables(
    lab,
    (tables) => tables.targets.get(slotOf(tables, 'vnic-vm-a'))?.ifindex ?? 0,
  );
  await lab.must('hv', [process.execPath, FOREIGN, 'detach', `${await pinPath(lab)}/links/${ifindex}-tc`]);
  await checkFinds(t, lab, {
    finding: 'fail programs ours',
    says: /vnic-vm-a \(tc\)/,
    cure: /^systemctl restart havip/,
  });
  await daemon.stop();
  await startDaemon(lab, { config: CONFIG });
  t.deepEqual((await examine(lab)).wrong, []);
});

test.serial(
  'without the daemon: nobody follows; a device that went leaves a defunct pin; a start mends both',
  async (t) => {
    const { lab, daemon } = await soundLab(t);
    await daemon.kill();
    const alone: Wanted = { finding: 'warn daemon process', says: /serves alone/, cure: /start havip/ };
    await checkFinds(t, lab, alone, '--config', configPath(lab));
    // Without a file it goes by what is pinned.
    await checkFinds(t, lab, alone);
    await lab.ip('hv', ['link del vnic-client']);
    await checkFinds(
      t,
      lab,
      {
        finding: 'warn programs defunct',
        says: /\d+-tc/,
        cure: /start havip/,
        // The kernel has emptied the devmap's slot as well.
        besides: ['warn daemon process', 'warn maps ports', 'fail maps redirects'],
      },
      '--config',
      configPath(lab),
    );
    await startDaemon(lab, { config: CONFIG });
    t.deepEqual((await examine(lab)).wrong, []);
  },
);

test.serial('a file that nobody reloaded, a bad one, and one that was bad when it was read', async (t) => {
  const { lab } = await soundLab(t);
  const changed = {
    ...CONFIG,
    networks: (
      webConfig([{ address: VIP }, { address: '10.0.1.51' }], { uplinks: ['uplink0'] }) as {
        networks: object[];
      }
    ).networks,
  };
  const file = (config: object): Promise<void> =>
    writeFile(
      configPath(lab),
      JSON.stringify({ metrics: { listen: '127.0.0.1:0' }, web: { listen: '127.0.0.1:0' }, ...config }),
    );
  await file(changed);
  const unread: Wanted = {
    finding: 'warn configuration in force',
    says: /nobody reloaded it/,
    cure: /havip reload$/,
    besides: ['warn maps policies'],
  };
  await checkFinds(t, lab, unread);
  t.is((await havip(lab, 'reload')).code, 0);
  t.deepEqual((await examine(lab)).wrong, []);
  await writeFile(configPath(lab), 'networks: [');
  await checkFinds(t, lab, {
    ...unread,
    finding: 'fail configuration file',
    says: /is bad/,
    cure: /^havip check /,
    besides: ['warn configuration in force'],
  });
  t.not((await havip(lab, 'reload')).code, 0);
  await checkFinds(t, lab, {
    ...unread,
    says: /an older configuration serves/,
    besides: ['fail configuration file'],
  });
});

test.serial('a guest without NAPI where XDP redirects, and xdp forced on a vNIC', async (t) => {
  const lab = await pairLab(t, { client: 'uplink' });
  await lab.exec('vm-b', ['ethtool', '-K', 'eth0', 'gro', 'on']);
  const hooks = { uplink0: 'xdp' };
  const daemon = await startDaemon(lab, {
    config: webConfig([{ address: VIP }], { uplinks: ['uplink0'], hooks }),
  });
  const deaf: Wanted = {
    finding: 'warn ports port vnic-vm-a',
    says: /no NAPI/,
    cure: /in the guest: ethtool -K eth0 gro on/,
  };
  await checkFinds(t, lab, deaf);
  await lab.exec('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'on']);
  t.deepEqual((await examine(lab)).wrong, []);
  await daemon.stop();
  await startDaemon(lab, {
    config: webConfig([{ address: VIP }], { uplinks: ['uplink0'], hooks: { ...hooks, 'vnic-vm-a': 'xdp' } }),
  });
  await checkFinds(t, lab, {
    finding: 'warn ports port vnic-vm-a',
    says: /ping works, TCP does not/,
    cure: /tx off/,
  });
});

test.serial('what EIPs ask of the host: look-ups, forwarding, MTU, addresses', async (t) => {
  const lab = await outsideLab(t);
  await startDaemon(lab, { config: eipConfig('xdp') });
  await lab.exec('client', ['ethtool', '-K', 'eth0', 'gro', 'on']);
  t.deepEqual((await examine(lab)).wrong, []);
  await lab.sysctl('hv', ['net.ipv4.conf.lo.forwarding=0']);
  await checkFinds(t, lab, {
    finding: 'fail gateways route look-ups',
    says: /eip-no-route/,
    cure: /lo\.forwarding=1$/,
  });
  await lab.sysctl('hv', ['net.ipv4.conf.lo.forwarding=1']);
  await lab.ip('hv', ['link set ext0 mtu 1400']);
  await checkFinds(t, lab, {
    finding: 'warn gateways gateway ext0',
    says: /MTU 1400, guests up to 1500/,
    cure: /^ip link set ext0 mtu 1500/,
  });
  await lab.ip('hv', ['link set ext0 mtu 1500', `address add ${EIP}/32 dev lo`]);
  await checkFinds(t, lab, { finding: `warn host ${EIP}`, says: /this EIP on lo/, cure: /^ip address del/ });
  await lab.ip('hv', [`address del ${EIP}/32 dev lo`]);
  await lab.exec('vm-a', ['ethtool', '-K', 'eth0', 'gro', 'off']);
  await checkFinds(t, lab, {
    finding: 'fail gateways forwarding',
    says: /vnic-vm-a.*eip-routed/,
    cure: /ip_forward=1/,
    besides: ['warn ports port vnic-vm-a'],
  });
});

test.serial('with nothing loaded, no bpffs, no bridge: each said', async (t) => {
  const lab = await pairLab(t);
  const config = webConfig([{ address: VIP }], { bridge: 'br-none' });
  await writeFile(configPath(lab), JSON.stringify(config));
  const nothing: Wanted = { finding: 'warn daemon loaded', says: /nothing is loaded/, cure: /^havip run/ };
  await checkFinds(
    t,
    lab,
    { ...nothing, besides: ['warn configuration bridge br-none'] },
    '--config',
    configPath(lab),
  );
  const plain = `${lab.tempDir}/plain`;
  await checkFinds(
    t,
    lab,
    {
      finding: 'fail pins bpffs',
      says: /does not exist/,
      cure: /^mkdir -p .* && mount -t bpf/,
      besides: ['warn daemon loaded'],
    },
    '--pin-path',
    `${plain}/havip`,
  );
});

test.serial('somebody without capabilities is told which, and what was not seen', async (t) => {
  const { lab } = await soundLab(t);
  const search = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...search, '--'];
  const env = { HAVIP_PIN_PATH: await pinPath(lab), HAVIP_SOCKET: `${lab.tempDir}/havip.sock` };
  const { stdout, code } = await lab.exec('hv', [...nobody, process.execPath, CLI, 'doctor'], { env });
  t.is(code, 0, stdout);
  t.regex(stdout, /^warn {2}privileges, caller: user 65534 lacks CAP_NET_ADMIN .*CAP_BPF /m);
  t.regex(stdout, /^warn {2}privileges, unseen: may not look at: .*maps/m);
});

test.serial('while a guest moves in and out nothing is wrong for good', async (t) => {
  const { lab } = await soundLab(t);
  await addGuest(lab, 'late', '10.0.1.14');
  await eventually('its port is served', async () =>
    (await examine(lab)).findings.some(({ check }) => check === 'port vnic-late'),
  );
  t.deepEqual((await examine(lab)).wrong, []);
  await lab.ip('hv', ['link del vnic-late']);
  t.deepEqual((await examine(lab)).wrong, []);
  await heldBy(lab, 'vnic-vm-a');
});
