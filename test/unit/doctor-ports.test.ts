// SPDX-License-Identifier: BSD-2-Clause
// The doctor on programs, ports, bridges, the host and gateways, of hosts that are made up. What a lab can spoil for
// real is in test/network/doctor.test.ts.
import test from 'ava';
import type { Sight } from '../../src/doctor/sight.js';
import { havip } from './configs.js';
import { finds, findingsOf } from './doctor-finds.js';
import * as seen from './sights.js';
import { VIP } from './sights.js';

const NAPI_LESS = { kind: 'veth' };
const GATEWAYS = [
  { name: 'ext0', proxyArp: true },
  { name: 'ext1', proxyArp: true },
];

const own = { file: '99-tc', hook: 'tc', ifindex: 99, programId: 5, linkId: 99, attached: false } as const;
test(
  'a program taken off',
  finds,
  {
    programs: seen.programs({
      pinned: seen.programs().pinned.map((one) => (one.ifindex === 2 ? { ...one, attached: false } : one)),
    }),
  },
  ['fail programs ours'],
  /off tap1 \(tc\)/,
);
test(
  'a pin whose device has gone',
  finds,
  {
    programs: seen.programs({
      pinned: [...seen.programs().pinned, own],
    }),
  },
  ['warn programs defunct'],
  /99-tc/,
);
test(
  'a port that is not served',
  finds,
  { programs: seen.programs({ pinned: seen.programs().pinned.filter(({ ifindex }) => ifindex !== 3) }) },
  ['fail programs port tap2'],
  /no program of ours.*bpftool net show dev tap2/,
);
test(
  'a program on other maps',
  finds,
  { programs: seen.programs({ attached: [seen.attached(2, { mapIds: [99] })] }) },
  ['fail programs maps'],
  /tap1/,
);
test(
  'a program of another build',
  finds,
  { programs: seen.programs({ attached: [seen.attached(2, { tag: 'bb' })] }) },
  ['warn programs build'],
  /tap1/,
);

const among = (...others: Partial<ReturnType<typeof seen.attached>>[]): Partial<Sight> => ({
  programs: seen.programs({ attached: others.map((one) => seen.attached(2, one)) }),
});
const FOREIGN = { ours: false, name: 'drop', programId: 8, tag: 'cc', mapIds: null };
test(
  'a program before ours',
  finds,
  among(FOREIGN, {}),
  ['warn programs other on tap1'],
  /program 8 drop tag cc, before ours.*never sees.*bpftool prog show id 8/,
);
test('a program after ours', finds, among({}, FOREIGN), ['warn programs other on tap1'], /after ours/);
test(
  'an XDP program, which is before tc',
  finds,
  among({}, { ...FOREIGN, place: 'xdp', how: 'xdp netlink, native' }),
  ['warn programs other on tap1'],
  /xdp netlink, native.*before ours/,
);
test(
  'a program on the way out',
  finds,
  among({}, { ...FOREIGN, place: 'egress' }),
  ['warn programs other on tap1'],
  /on what leaves here/,
);

test(
  'xdp where the driver has none',
  finds,
  { network: seen.network({ features: 0n, subnet: { hooks: [{ pattern: 'eth1', hook: 'xdp' }] } }) },
  ['fail ports port eth1', 'warn ports port tap1', 'warn ports port tap2'],
  /no native XDP.*\n.*NAPI/,
);
test(
  'a guest that owes checksums to XDP',
  finds,
  { network: seen.network({ subnet: { hooks: [{ pattern: 'tap1', hook: 'xdp' }] } }) },
  ['warn ports port tap1'],
  /ping works, TCP does not/,
);
const TAGGED = { vlan: { outer: 100, inner: 0 } };
test(
  'tags taken off before XDP',
  finds,
  { network: seen.network({ subnet: TAGGED, offloads: new Map([[4, new Set(['rx-vlan-hw-parse'])]]) }) },
  ['warn ports port eth1'],
  /ethtool -K eth1 rxvlan off/,
);
test(
  'segments merged for good',
  finds,
  { network: seen.network({ offloads: new Map([[4, new Set(['rx-lro'])]]) }) },
  ['warn ports port eth1'],
  /ethtool -K eth1 lro off/,
);
test(
  'ports with other MTUs, and a bridge with none of them',
  finds,
  { network: seen.network({ devices: { tap1: { link: { mtu: 1400 } } } }), maps: null },
  ['warn ports MTU on br0', 'warn ports MTU of br0'],
  /tap1 1400, others 1500.*\n.*MTU 1500, its smallest port 1400/,
);

const IPV6 = { havips: [havip('fd00::50')] };
test(
  'snooping with a querier',
  finds,
  {
    network: seen.network({
      subnet: IPV6,
      devices: { br0: { bridge: { snooping: true, ipv6Querier: true } } },
    }),
  },
  ['warn bridges snooping on br0'],
  /ff02::12/,
);
test('snooping that eats nothing', (t) => {
  const harmless = [
    seen.network({ subnet: IPV6, devices: { br0: { bridge: { snooping: true } } } }),
    seen.network({ devices: { br0: { bridge: { snooping: true, ipv6Querier: true } } } }),
  ];
  for (const network of harmless) t.deepEqual(findingsOf({ network }), []);
});
test(
  'a port that STP blocks',
  finds,
  { network: seen.network({ devices: { tap1: { port: { state: 'blocking' } } } }) },
  ['warn bridges STP on br0'],
  /tap1 blocking/,
);
test(
  'STP that shortens the ageing time',
  finds,
  { network: seen.network({ devices: { br0: { bridge: { stp: true, topologyChange: true } } } }) },
  ['warn bridges ageing on br0'],
  /15 s.*75 s.*ageing_time 1500/,
);
test(
  'br_netfilter',
  finds,
  { sysctl: seen.sysctl({ 'net/bridge/bridge-nf-call-iptables': '1' }) },
  ['warn bridges br_netfilter'],
  /sysctl -w net\.bridge\.bridge-nf-call-iptables=0/,
);

const FILTERING = { br0: { bridge: { vlanFiltering: true } } };
const vlan = (id: number, tagged: boolean) => ({ id, pvid: !tagged, untagged: !tagged });
test(
  'untagged ports of two VLANs',
  finds,
  {
    network: seen.network({
      devices: FILTERING,
      vlans: new Map([
        [2, [vlan(1, false)]],
        [3, [vlan(20, false)]],
      ]),
    }),
  },
  ['warn bridges VLANs on br0'],
  /VLAN 1: tap1, VLAN 20: tap2/,
);
test(
  'a VLAN that no port carries',
  finds,
  { network: seen.network({ subnet: TAGGED, devices: FILTERING }) },
  ['warn bridges VLAN 100 on br0'],
  /no port carries it/,
);
test(
  'a VLAN that a port carries untagged',
  finds,
  {
    network: seen.network({
      subnet: TAGGED,
      devices: FILTERING,
      vlans: new Map([
        [2, [vlan(100, false)]],
        [4, [vlan(100, true)]],
      ]),
    }),
  },
  ['warn bridges VLAN 100 on br0'],
  /tap1 carry it untagged/,
);
test('VLANs in keeping with the file', (t) => {
  const network = seen.network({
    subnet: TAGGED,
    devices: FILTERING,
    vlans: new Map([
      [2, [vlan(100, true)]],
      [4, [vlan(100, true)]],
    ]),
  });
  t.deepEqual(findingsOf({ network }), []);
});

const onHost = { addresses: [{ ifindex: 1, address: VIP, prefix: 24 }] };
test(
  'a HAVIP on the host',
  finds,
  { network: seen.network(onHost) },
  [`warn host ${VIP}`],
  /answers ARP.*ip address del 10\.0\.1\.50\/24 dev br0/,
);
test('a HAVIP on the host that it holds lawfully', (t) => {
  const [[key, row]] = seen.maps().bindings as [ReturnType<typeof seen.maps>['bindings'][number]];
  const bindings = [[key, { ...row, holder: { ...row.holder, port: 1 } }] as const];
  const sight = { network: seen.network(onHost), maps: seen.maps({ bindings }) };
  t.deepEqual(findingsOf(sight), []);
});
test('a HAVIP on loopback does not answer with arp_ignore', (t) => {
  const network = seen.network({ addresses: [{ ifindex: 4, address: VIP, prefix: 32 }] });
  const sysctl = seen.sysctl({ 'net/ipv4/conf/br0/arp_ignore': '1' });
  const [found] = findingsOf({ network, sysctl });
  t.notRegex(found?.detail ?? '', /answers ARP/);
});
test(
  'a host that answers for everybody',
  finds,
  { sysctl: seen.sysctl({ 'net/ipv4/conf/br0/proxy_arp_pvlan': '1' }) },
  ['warn host bridge br0'],
  /proxy_arp_pvlan=0/,
);

const outside = (change: seen.NetworkChange = {}): Sight['network'] =>
  seen.network({ ...change, subnet: { gateways: GATEWAYS, ...change.subnet } });
const gatewayPrograms = (sight: Partial<Sight>): Partial<Sight> => ({
  ...sight,
  daemon: seen.daemon(seen.NO_DAEMON),
});
test(
  'look-ups that are not allowed',
  finds,
  gatewayPrograms({ network: outside(), sysctl: seen.sysctl({ 'net/ipv4/conf/lo/forwarding': '0' }) }),
  ['warn daemon process', 'fail gateways route look-ups'],
  /lo\.forwarding=1/,
);
test(
  'a gateway with a smaller MTU',
  finds,
  gatewayPrograms({ network: outside({ devices: { ext0: { link: { mtu: 1400 } } } }) }),
  ['warn daemon process', 'warn gateways gateway ext0'],
  /ip link set ext0 mtu 1500/,
);
const deaf = outside({ devices: { tap1: { link: NAPI_LESS }, tap2: { link: NAPI_LESS } }, features: 3n });
test('routed packets on a host that does not forward, strictly', (t) => {
  const sysctl = seen.sysctl({
    'net/ipv4/ip_forward': '0',
    'net/ipv4/conf/all/rp_filter': '1',
    'net/ipv4/conf/ext1/rp_filter': '2',
  });
  const found = findingsOf(gatewayPrograms({ network: deaf, sysctl })).filter(
    ({ area }) => area === 'gateways',
  );
  t.deepEqual(
    found.map(({ state, check }) => `${state} ${check}`),
    ['fail forwarding', 'warn gateway ext0'],
  );
});
