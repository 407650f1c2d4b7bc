// SPDX-License-Identifier: BSD-2-Clause
// What a command line without a file becomes, and how it is refused: the flags stand where a file has line and column.
import test from 'ava';
import { configFromFlags, type ConfigFlags } from '../../src/config/load.js';
import { HavipError } from '../../src/errors.js';

const OPTIONS = {
  guard: 'enforce',
  unheld: 'pass',
  rebind: 'kernel',
  heal: 'verify',
  arp: 'off',
  serviceMac: null,
  damping: { moves: 5, windowMs: 10_000 },
} as const;

test('the flags alone make a configuration', (t) => {
  const config = configFromFlags({
    bridge: 'br0',
    vip: ['10.0.1.50/24', '10.0.1.51/24', 'FD00:1::50/64'],
    uplink: ['eth1'],
  });
  t.deepEqual(config, {
    pinPath: '/sys/fs/bpf/havip',
    socket: '/run/havip/havip.sock',
    metricsListen: { host: '127.0.0.1', port: 9477 },
    webListen: { host: '127.0.0.1', port: 9478 },
    statePath: '/var/lib/havip',
    capacity: { havips: 4096, ports: 1024 },
    eips: [],
    subnets: [
      {
        network: 'default',
        name: 'br0',
        cidrs: ['10.0.1.0/24', 'fd00:1::/64'],
        bridge: 'br0',
        vlan: { outer: 0, inner: 0 },
        uplinks: ['eth1'],
        gateways: [],
        hooks: [],
        portSecurity: false,
        havips: ['10.0.1.50', '10.0.1.51', 'fd00:1::50'].map((address) => ({
          address,
          members: null,
          ...OPTIONS,
        })),
      },
    ],
  });
});

test('the flags set paths and metrics', (t) => {
  const config = configFromFlags({
    bridge: 'br@7',
    vip: ['10.0.1.50/24'],
    pinPath: '/p',
    socket: '/s',
    metrics: 'off',
  });
  const { pinPath, socket, metricsListen } = config;
  t.deepEqual({ pinPath, socket, metricsListen }, { pinPath: '/p', socket: '/s', metricsListen: null });
  t.is(config.subnets[0]?.name, 'br-7');
});

const badFlags = test.macro((t, flags: Partial<ConfigFlags>, ...lines: string[]) => {
  const error = t.throws(() => configFromFlags({ bridge: 'br0', vip: ['10.0.1.50/24'], ...flags }), {
    instanceOf: HavipError,
  });
  t.is(error.code, 'USAGE');
  t.deepEqual(error.message.split('\n'), lines);
});

const VIP = 'allowed: address/prefix, such as 10.0.1.50/24';
test('no vip', badFlags, { vip: [] }, '--vip: none given; allowed: one or more');
test(
  'a vip without prefix',
  badFlags,
  { vip: ['10.0.1.50'] },
  `--vip: found "10.0.1.50"; ${VIP}: the prefix length says which addresses are on the same bridge`,
);
test(
  'a vip that is no address',
  badFlags,
  { vip: ['10.0.1/24', '10.0.1.50/33'] },
  `--vip: found "10.0.1/24"; ${VIP}`,
  `--vip: found "10.0.1.50/33"; ${VIP}`,
);
test(
  'a vip that is the network',
  badFlags,
  { vip: ['10.0.1.0/24'] },
  '--vip: found 10.0.1.0, which is the network address of 10.0.1.0/24; allowed: an address that a host can own',
);
test(
  'a vip given twice',
  badFlags,
  { vip: ['10.0.1.5/24', '10.0.1.5/24'] },
  '--vip: found 10.0.1.5 again; allowed: each address once in a network',
);
test(
  'vips of overlapping blocks',
  badFlags,
  { vip: ['10.0.1.5/24', '10.0.1.6/16'] },
  '--vip: found 10.0.1.0/24, which overlaps 10.0.0.0/16; allowed: blocks of a network that are apart',
);
test(
  'a bridge that is no interface',
  badFlags,
  { bridge: 'br/0' },
  '--bridge: found "br/0"; allowed: the name of an interface: 1 to 15 printable characters without "/", ":" and white space',
);
test(
  'an empty bridge',
  badFlags,
  { bridge: '' },
  '--bridge: found ""; allowed: the name of an interface: 1 to 15 printable characters without "/", ":" and white space',
);
test(
  'an uplink that is no interface',
  badFlags,
  { uplink: ['e h'] },
  '--uplink: found "e h"; allowed: the name of an interface, or a mapping with the keys name, gateway, proxyArp',
);
test(
  'a relative socket and a bad port',
  badFlags,
  { socket: 's', pinPath: 'p', metrics: ':1' },
  '--pin-path: found "p"; allowed: an absolute path',
  '--socket: found "s"; allowed: an absolute path of at most 107 bytes',
  '--metrics: found ":1"; allowed: host:port (port 0 picks a free one), such as 127.0.0.1:9477 or [::]:9477, or off',
);
