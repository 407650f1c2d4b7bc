// SPDX-License-Identifier: BSD-2-Clause
// The status page over a made-up bad day, to look at and to take pictures of:
//   node build/test/support/page-show.js PORT [empty|busy|hostile|many] ...
import { servePage } from '../../src/observe/page/server.js';
import {
  CRASH,
  event,
  FakeView,
  GOODBYE,
  havipRow,
  MS,
  port,
  PREEMPTION,
  story,
  wallNow,
} from './page-world.js';

const [listenPort = '0', scene = 'busy'] = process.argv.slice(2);
const view = new FakeView();
const MINUTE_MS = 60_000;
const ago = (ms: number): bigint => wallNow() - BigInt(ms) * MS;

const SCENES: Readonly<Record<string, () => void>> = {
  empty: () => undefined,
  busy: () => {
    quiet();
    alarms();
  },
  calm: quiet,
  hostile,
  many,
};

function quiet(): void {
  const uplink = {
    port: 'eth1',
    mac: '52:54:00:9a:1c:02',
    location: 'uplink',
    by: 'na',
    sinceNs: 1n,
  } as const;
  view.rows = [
    havipRow({ moves: 4, packets: 18_446_744_073n }),
    havipRow({ address: '10.0.1.51', moves: 1, packets: 921_733n }),
    havipRow({ address: '10.0.1.52', state: 'unheld', holder: null, unheldPackets: 331n }),
    havipRow({ address: 'fd00:1::50', holder: { ...uplink, sinceWallNs: ago(26 * 3_600_000) } }),
    havipRow({ address: '10.0.1.9', network: 'blue', subnet: 'db', moves: 52, packets: 4_123_122n }),
    ...Array.from({ length: 14 }, (_, i) =>
      havipRow({ network: 'green', subnet: 'edge', address: `172.16.4.${i + 10}`, moves: i % 3 }),
    ),
  ];
  view.ports = [
    ...['tap-a', 'tap-b', 'vnic-client'].map((name, at) => port(name, { slot: at + 1 })),
    port('eth1', { slot: 4, kind: 'uplink', hook: 'xdp' }),
    port('br-web', { slot: 5, kind: 'host', hook: 'tc-egress' }),
    port('tap-c', { slot: 6, up: false }),
  ];
  view.refusals.set(3, 17n);
  view.moves.put(story(3, 41 * MINUTE_MS, CRASH));
  view.moves.put(
    story(9, 33 * MINUTE_MS, GOODBYE, {
      advice: 'Nothing: the old holder said goodbye, and the network took 95 µs.',
    }),
  );
  view.moves.put(
    story(12, 21 * MINUTE_MS, PREEMPTION, {
      advice: 'Nobody sent anything for 71 ms: the outage is as long as the silence.',
    }),
  );
  for (let i = 0; i < 50; i += 1) {
    const jitter = (i * 7919) % 97;
    const parts = CRASH.map(
      ([name, share, us]) =>
        [name, share, share === 'guests' ? Math.round(us * (0.05 + jitter / 160)) : us] as const,
    );
    view.moves.put(
      story(20 + i, (58 - i * 1.1) * MINUTE_MS - jitter * 300, parts, { address: '10.0.1.9', subnet: 'db' }),
    );
  }
  view.moves.put(
    story(90, 8 * MINUTE_MS, [], {
      outageNs: null,
      basis: 'none',
      guestsNs: null,
      networkNs: null,
      advice: 'No traffic was seen: nothing to measure.',
    }),
  );
  view.moves.put(
    story(91, 2 * MINUTE_MS, CRASH, {
      advice:
        'The guests took 3.5 of 3.5 s to notice: with advert_int 0.1 instead of 1 they would take about 0.4 s.',
    }),
  );
  const a = { port: 'tap-a', mac: '02:00:00:00:00:0a' };
  const b = { port: 'tap-b', mac: '02:00:00:00:00:0b' };
  view.history.add([
    event('attach', {
      address: '',
      network: '',
      subnet: '',
      to: null,
      reason: 'tc',
      wallNs: ago(55 * MINUTE_MS),
    }),
    event('bind', { to: a, wallNs: ago(50 * MINUTE_MS), repointNs: 51_000n }),
    event('refuse', {
      to: { port: 'vnic-client', mac: '02:00:00:00:00:0c' },
      reason: 'not-member',
      count: 17,
      wallNs: ago(12 * MINUTE_MS),
    }),
    event('release', { from: a, reason: 'port-down', wallNs: ago(2 * MINUTE_MS + 3500) }),
    event('move', { from: a, to: b, wallNs: ago(2 * MINUTE_MS), repointNs: 480_000n }),
  ]);
}

function alarms(): void {
  view.rows[1] = havipRow({ address: '10.0.1.51', state: 'split-brain', moves: 6, packets: 921_733n });
  view.rows[4] = havipRow({
    address: '10.0.1.9',
    subnet: 'db',
    state: 'flapping',
    moves: 52,
    packets: 4_123_122n,
  });
  view.ports[1] = port('tap-b', {
    slot: 2,
    failure: 'another XDP program is attached (id 41, "xdp_filter")',
  });
  view.change = {
    absent: [{ kind: 'uplink', name: 'eth2' }],
    config: {
      stale: true,
      path: '/etc/havip.yaml',
      loadedWallNs: 1n,
      problems: ['/etc/havip.yaml:12:9: unknown key "brigde"; did you mean "bridge"?'],
    },
  };
  view.history.add([
    event('flap', { address: '10.0.1.9', subnet: 'db', reason: 'move-budget', wallNs: ago(9 * MINUTE_MS) }),
    event('split-brain', {
      address: '10.0.1.51',
      from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
      to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
      reason: 'arp-answer',
      wallNs: ago(6 * MINUTE_MS),
    }),
  ]);
}

/** What nobody should be able to call a port, and somebody will. */
export const HOSTILE = [
  '<script>document.title="owned"</script>',
  '<img src=x onerror=alert(1)>',
  '__proto__',
  '../../etc/passwd',
  'abc\u202egpj.exe',
  'tab\tbell\u0007esc\u001b[31m',
  'a-network-with-a-very-long-name-that-goes-on-and-on-for-sixty-three',
];

function hostile(): void {
  const mac = '02:00:00:00:00:0d';
  HOSTILE.forEach((name, at) => {
    const holder = {
      port: name,
      mac,
      location: 'local',
      by: name,
      sinceNs: 1n,
      sinceWallNs: ago(60_000),
    } as const;
    view.rows.push(havipRow({ network: name, subnet: name, address: `10.9.0.${at}`, holder }));
    view.ports.push(port(name, { slot: at, bridge: name, failure: name }));
    view.history.add([
      event('move', {
        network: name,
        subnet: name,
        from: { port: name, mac },
        to: { port: name, mac },
        reason: name,
      }),
    ]);
    view.moves.put(
      story(at + 1, (at + 1) * MINUTE_MS, CRASH, {
        network: name,
        subnet: name,
        address: `10.9.0.${at}`,
        from: { port: name, mac },
        to: { port: name, mac },
        reason: name,
        releaseReason: name,
        advice: name,
      }),
    );
  });
  view.rows.push(
    havipRow({ network: '__proto__', subnet: 'constructor', address: '10.9.1.1', state: 'split-brain' }),
  );
  view.change = {
    config: { stale: true, path: HOSTILE[0] as string, loadedWallNs: 1n, problems: HOSTILE },
    absent: [{ kind: 'bridge', name: HOSTILE[0] as string }],
  };
}

function many(): void {
  view.rows = Array.from({ length: Number(process.argv[4] ?? 10_000) }, (_, i) =>
    havipRow({ address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, moves: i % 7, packets: BigInt(i) }),
  );
}

SCENES[scene]?.();
const started = Date.now();
setInterval(() => {
  // A load that looks alive.
  const seconds = (Date.now() - started) / 1000;
  view.rows = view.rows.map((row, at) => {
    const perTick =
      at < 6 ? Math.round((900 / (at + 1)) * (1.2 + Math.sin(seconds / (5 + at)) + 0.2 * Math.random())) : 0;
    return perTick && row.holder
      ? { ...row, packets: row.packets + BigInt(perTick), bytes: row.bytes + BigInt(perTick * 840) }
      : row;
  });
}, 250);
const { address } = await servePage({ host: '127.0.0.1', port: Number(listenPort) }, view, (error) =>
  console.error(error),
);
console.log(`http://${address}/`);
