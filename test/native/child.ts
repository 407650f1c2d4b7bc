// SPDX-License-Identifier: BSD-2-Clause
// Runs inside a network namespace made by watch.test.ts: node child.js SCENARIO. Exit code 0: as expected.
// The addon's sockets belong to the namespace of the process, hence a process of its own.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type Link, LinkWatcher, listLinks } from '../../src/net/links.js';
import { XDP_FEATURE, XdpFeatureWatcher } from '../../src/net/netdev.js';
import { NetlinkSocket, RingBuffer } from '../../src/native/index.js';

const PAIRS = 600;

function ip(command: string): void {
  execFileSync('ip', command.split(' '));
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), `waited 5 s in vain: ${what}`);
}

/** A started watcher and the way to a device by name. */
async function watchLinks() {
  const seen = { links: new Map() as ReadonlyMap<number, Link>, changed: [] as number[], errors: 0 };
  const watcher = new LinkWatcher({
    onChange: (links, changed) => {
      seen.links = links;
      seen.changed.push(...changed);
    },
    onError: () => seen.errors++,
  });
  await watcher.start();
  const named = (name: string) => [...seen.links.values()].find((link) => link.name === name);
  return { watcher, seen, named };
}

const scenarios: Record<string, (otherNamespace: string) => Promise<void>> = {
  async links(other) {
    ip('link add before type ifb');
    const { watcher, seen, named } = await watchLinks();
    assert.equal(named('before')?.kind, 'ifb');
    assert.equal(named('lo')?.ifindex, 1);

    ip('link add hnbr type bridge ageing_time 2000');
    ip('link add va type veth peer name vb');
    await until('veth', () => named('vb') !== undefined);
    assert.deepEqual({ ...named('hnbr'), ifindex: 0, mac: '' }, {
      ifindex: 0, name: 'hnbr', kind: 'bridge', mac: '', mtu: 1500, up: false, masterIfindex: 0,
      peerElsewhere: false, peerIfindex: 0, ageingTimeMs: 20_000,
    }); // prettier-ignore
    assert.equal(named('va')?.kind, 'veth');
    assert.equal(named('va')?.peerIfindex, named('vb')?.ifindex);

    ip('link set hnbr up');
    ip('link set va master hnbr up mtu 1400');
    ip('link set vb up');
    const bridge = named('hnbr')?.ifindex;
    await until('enslaved', () => named('va')?.masterIfindex === bridge && named('va')?.up === true);
    assert.equal(named('va')?.mtu, 1400);

    ip('link set va nomaster');
    await until('left the bridge', () => named('va')?.masterIfindex === 0);
    assert.equal(named('va')?.kind, 'veth');

    const vb = named('vb')?.ifindex ?? 0;
    ip(`link set vb netns ${other}`);
    await until('peer elsewhere', () => named('vb') === undefined && named('va')?.peerElsewhere === true);
    assert.ok(!seen.links.has(vb));

    seen.changed.length = 0;
    const va = named('va')?.ifindex ?? 0;
    ip('link delete va');
    await until('gone', () => named('va') === undefined);
    assert.ok(seen.changed.includes(va));
    watcher.stop();
    watcher.stop();
    const now = [...(await listLinks()).values()].map((link) => link.name).sort();
    assert.deepEqual(now, ['before', 'hnbr', 'lo']);
    assert.equal(seen.errors, 0);
  },

  async overrun() {
    const { watcher, seen } = await watchLinks();
    const features = new XdpFeatureWatcher({ onChange: () => undefined, onError: () => seen.errors++ });
    await features.start();
    let overruns = 0;
    const plain = new NetlinkSocket(0, [1], (datagram) => (overruns += datagram === null ? 1 : 0));
    const batch = (line: (i: number) => string) =>
      // synchronous, so that this loop is busy and the sockets overrun
      execFileSync('ip', ['-batch', '-'], {
        input: Array.from({ length: PAIRS }, (_, i) => line(i)).join('\n'),
      });
    batch((i) => `link add a${i} type veth peer name b${i}`);
    await until(
      'all are known',
      () => seen.links.size === 2 * PAIRS + 1 && features.features.size === 2 * PAIRS + 1,
    );
    batch((i) => `link delete a${i}`);
    await until('all are gone', () => seen.links.size === 1 && features.features.size === 1);
    assert.ok(overruns > 0, 'the storm was too small to overrun anything');
    assert.equal(seen.errors, 0);
    plain.close();
    watcher.stop();
    features.stop();
  },

  async features() {
    ip('link add va type veth peer name vb');
    ip('link set vb up'); // its GRO counts while it is up
    const changed: number[] = [];
    const watcher = new XdpFeatureWatcher({
      onChange: (ifindex) => changed.push(ifindex),
      onError: (error) => {
        throw error;
      },
    });
    assert.equal(watcher.supported, false);
    await watcher.start();
    assert.equal(watcher.supported, true);
    const va = [...(await listLinks()).values()].find((link) => link.name === 'va')?.ifindex ?? 0;
    const has = (bit: bigint) => ((watcher.features.get(va) ?? 0n) & bit) !== 0n;
    assert.ok(has(XDP_FEATURE.BASIC) && has(XDP_FEATURE.REDIRECT) && !has(XDP_FEATURE.NDO_XMIT));
    assert.ok(changed.includes(va));
    changed.length = 0;
    execFileSync('ethtool', ['-K', 'vb', 'gro', 'on']);
    await until('the peer takes frames', () => has(XDP_FEATURE.NDO_XMIT));
    execFileSync('ethtool', ['-K', 'vb', 'gro', 'off']);
    await until('the peer does not', () => !has(XDP_FEATURE.NDO_XMIT));
    ip('link delete va');
    await until('gone', () => !watcher.features.has(va));
    assert.deepEqual(changed, [va, va, ...changed.slice(2)]);
    watcher.stop();
    watcher.stop();
  },

  /** What a handler throws is an uncaughtException, and the reader goes on. */
  async throwing() {
    const caught: string[] = [];
    process.on('uncaughtException', (error) => {
      caught.push(error.message);
      if (error.message !== 'handler') process.exit(1);
    });
    let heard = 0;
    const socket = new NetlinkSocket(0, [1], () => {
      heard++;
      throw new Error('handler');
    });
    ip('link add va type bridge');
    await until('first', () => caught.length >= 1);
    const before = caught.length;
    ip('link delete va');
    await until('second', () => caught.length > before);
    assert.equal(caught.length, heard);
    assert.equal(caught[0], 'handler');
    socket.close();
  },

  /** Open readers that are unreferenced do not keep the process; closed ones neither. The timeout is the test's. */
  async unref() {
    const socket = new NetlinkSocket(0, [1], () => undefined);
    new NetlinkSocket(16, [], () => undefined).close();
    socket.ref();
    socket.unref();
    assert.throws(() => new RingBuffer(999_999, 8, () => undefined), { code: 'EBADF' });
    await Promise.resolve();
  },
};

const [, , scenario = '', otherNamespace = ''] = process.argv;
await scenarios[scenario]?.(otherNamespace);
