// SPDX-License-Identifier: BSD-2-Clause
// The addon against the real kernel, as root: load, attach, replace, pin, lock, ring, test_run, and how errors look.
// Devices are named hn<pid>, bpffs and object live in a temporary folder; all of it goes away with the test.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import * as native from '../../src/native/index.js';

const SOURCE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __uint(map_flags, BPF_F_NO_PREALLOC);
         __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("xdp") int report(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&events, 16, 0);
	if (record) {
		record[0] = ctx->ingress_ifindex;
		record[1] = ctx->data_end - ctx->data;
		bpf_ringbuf_submit(record, 0);
	}
	return XDP_TX;
}
SEC("xdp") int odd(struct xdp_md *ctx)
{
	__u32 record = 1;
	bpf_ringbuf_output(&events, &record, sizeof record, 0);
	return XDP_PASS;
}
SEC("tc") int mark(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	__u64 value = skb->len;
	bpf_map_update_elem(&seen, &key, &value, 0);
	return -1;
}
char _license[] SEC("license") = "GPL";
`;

/** Reads behind the frame's end without asking: the verifier must refuse it. */
const BAD_SOURCE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int greedy(struct xdp_md *ctx) { return *(char *)(long)ctx->data; }
char _license[] SEC("license") = "GPL";
`;

const FRAME = Buffer.alloc(60, 1);
const HANDLE = 1;
const PRIORITY = 50;

const folder = mkdtempSync(join(tmpdir(), 'hn-'));
const bpffs = join(folder, 'bpffs');
let object: native.BpfObject;
let counter = 0;

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function compile(name: string, source: string): string {
  const [input, output] = [join(folder, `${name}.bpf.c`), join(folder, `${name}.o`)];
  writeFileSync(input, source);
  const include = `-I/usr/include/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`;
  run('clang-14', '-g', '-O2', '-target', 'bpf', include, '-c', input, '-o', output);
  return output;
}

/** A veth pair for one test: its first end is up. */
function vethPair(t: { teardown(end: () => void): void }): { name: string; ifindex: number; remove(): void } {
  const name = `hn${process.pid}x${counter++}`;
  run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
  let there = true;
  const remove = () => {
    if (there) run('ip', 'link', 'delete', name);
    there = false;
  };
  t.teardown(remove);
  run('sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`, `net.ipv6.conf.${name}p.disable_ipv6=1`);
  run('ip', 'link', 'set', name, 'up');
  run('ip', 'link', 'set', `${name}p`, 'up');
  return { name, ifindex: native.ifNameToIndex(name), remove };
}

/** The program's descriptor for one test. */
function program(t: { teardown(end: () => void): void }, name: string): number {
  const fd = object.programFd(name);
  t.teardown(() => native.closeFd(fd));
  return fd;
}

const CONSTANT_SOURCE = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 other = 2;
const volatile __u32 answer = 1;
SEC("xdp") int say(struct xdp_md *ctx) { return answer + other; }
char LICENSE[] SEC("license") = "GPL";
`;

const weakSource = (name: string): string => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
extern void *${name}(void *) __ksym __weak;
SEC("tc") int ask(struct __sk_buff *skb) { return ${name} ? ${name}(skb) != 0 : 0; }
char LICENSE[] SEC("license") = "GPL";
`;

function thrownBy(action: () => unknown): native.NativeError {
  try {
    action();
  } catch (error) {
    if (native.isNativeError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  if (!condition()) throw new Error('waited 2 s in vain');
}

test.before(() => {
  mkdirSync(bpffs);
  run('mount', '-t', 'bpf', 'bpf', bpffs);
  object = new native.BpfObject(compile('test', SOURCE));
  object.setMaxEntries('seen', 32);
  object.load();
});

test.after.always(() => {
  object.close();
  run('umount', bpffs);
  rmSync(folder, { recursive: true });
});

test.serial('an object tells its maps before it is loaded', (t) => {
  const fresh = new native.BpfObject(join(folder, 'test.o'));
  t.deepEqual(fresh.maps(), [
    { name: 'events', type: 27, keySize: 0, valueSize: 0, maxEntries: 65536, flags: 0 },
    { name: 'seen', type: 1, keySize: 4, valueSize: 8, maxEntries: 16, flags: 1 },
  ]);
  t.is(thrownBy(() => fresh.mapFd('seen')).code, 'EBADF');
  t.is(thrownBy(() => fresh.programFd('nobody')).code, 'ENOENT');
  fresh.close();
  fresh.close();
  t.is(thrownBy(() => fresh.maps()).code, 'EBADF');
});

test.serial('a loaded object has the size that was asked for, and can lend its map to another', (t) => {
  const seen = object.mapFd('seen');
  t.teardown(() => native.closeFd(seen));
  const info = native.mapInfo(seen);
  t.like(info, { name: 'seen', type: 1, keySize: 4, valueSize: 8, maxEntries: 32, flags: 1 });
  const second = new native.BpfObject(join(folder, 'test.o'));
  t.teardown(() => second.close());
  second.reuseMap('seen', seen);
  second.load();
  const shared = second.mapFd('seen');
  t.teardown(() => native.closeFd(shared));
  t.is(native.mapInfo(shared).id, info.id);
  t.is(thrownBy(() => second.setMaxEntries('seen', 8)).code, 'EBUSY');
});

test.serial('a constant is what it was set to when the program was loaded', (t) => {
  const told = new native.BpfObject(compile('constant', CONSTANT_SOURCE));
  t.teardown(() => told.close());
  const seven = Buffer.from([7, 0, 0, 0]);
  t.is(thrownBy(() => told.setConstant('nobody', seven)).code, 'ENOENT');
  t.is(thrownBy(() => told.setConstant('answer', Buffer.alloc(8))).code, 'EINVAL');
  told.setConstant('answer', seven);
  told.load();
  t.is(thrownBy(() => told.setConstant('answer', seven)).code, 'EBUSY');
  const fd = told.programFd('say');
  t.teardown(() => native.closeFd(fd));
  t.is(native.testRun(fd, Buffer.alloc(64)).action, 7 + 2);
  t.is(thrownBy(() => object.setConstant('answer', seven)).code, 'ENOENT', 'an object without constants');
});

test.serial('a kernel without a function that may be missing takes the program all the same', (t) => {
  const answer = (name: string): number => {
    const asking = new native.BpfObject(compile(name, weakSource(name)));
    t.teardown(() => asking.close());
    asking.load();
    const fd = asking.programFd('ask');
    t.teardown(() => native.closeFd(fd));
    return native.testRun(fd, Buffer.alloc(64)).action;
  };
  t.is(answer('bpf_cast_to_kern_ctx'), 1);
  t.is(answer('bpf_no_such_function'), 0);
});

test.serial('a refused program shows the verifier log', (t) => {
  const bad = new native.BpfObject(compile('bad', BAD_SOURCE));
  t.teardown(() => bad.close());
  const error = thrownBy(() => bad.load());
  t.is(error.code, 'EACCES');
  t.is(error.errno, 13);
  t.is(error.syscall, 'bpf_object__load');
  t.regex(error.log ?? '', /invalid access to packet/);
});

test.serial('an object that loads in the background is nobody’s until it is loaded', async (t) => {
  const fresh = new native.BpfObject(join(folder, 'test.o'));
  t.teardown(() => fresh.close());
  const loading = fresh.loadInBackground();
  t.is(thrownBy(() => fresh.mapFd('seen')).code, 'EBUSY');
  t.is(thrownBy(() => fresh.close()).code, 'EBUSY');
  t.is(thrownBy(() => void fresh.loadInBackground()).code, 'EBUSY');
  await loading;
  const fd = fresh.programFd('mark');
  t.teardown(() => native.closeFd(fd));
  t.is(native.programInfo(fd).name, 'mark');
});

test.serial('what is refused in the background says so as loudly', async (t) => {
  const bad = new native.BpfObject(compile('bad', BAD_SOURCE));
  t.teardown(() => bad.close());
  const error = await t.throwsAsync<native.NativeError>(bad.loadInBackground());
  t.like(error, { code: 'EACCES', errno: 13, syscall: 'bpf_object__load' });
  t.regex(error.log ?? '', /invalid access to packet/);
});

test.serial('rows are added up word by word', (t) => {
  const rows = Buffer.alloc(3 * 16);
  [1n, 2n, 10n, 20n, 2n ** 63n, 2n ** 64n - 22n].forEach((word, i) => rows.writeBigUInt64LE(word, 8 * i));
  const words = (sums: Buffer): bigint[] => [sums.readBigUInt64LE(0), sums.readBigUInt64LE(8)];
  t.deepEqual(words(native.sumRows(rows, 3)), [2n ** 63n + 11n, 0n]);
  t.deepEqual(native.sumRows(rows, 1), rows);
  // Of any alignment.
  const odd = Buffer.concat([Buffer.alloc(1), rows]).subarray(1);
  t.deepEqual(native.sumRows(odd, 3), native.sumRows(rows, 3));
  for (const count of [0, -1, 4, 7]) t.throws(() => native.sumRows(rows, count), { instanceOf: RangeError });
});

test.serial('a file that is no object', (t) => {
  const error = thrownBy(() => new native.BpfObject('/etc/hostname'));
  t.is(error.code, 'ELIBBPF');
  t.regex(error.log ?? '', /not a proper ELF/);
  t.is(thrownBy(() => new native.BpfObject('/nowhere')).code, 'ENOENT');
  t.throws(() => new native.BpfObject(7 as unknown as string), { instanceOf: TypeError });
});

test.serial('a program is described, and found by its id', (t) => {
  const mark = program(t, 'mark');
  const info = native.programInfo(mark);
  t.like(info, { name: 'mark', type: 3 });
  t.regex(info.tag, /^[0-9a-f]{16}$/);
  t.is(info.mapIds.length, 1);
  t.true(info.verifiedInstructions > 5);
  const again = native.programFdById(info.id);
  t.teardown(() => native.closeFd(again));
  t.deepEqual(native.programInfo(again), info);
  t.is(thrownBy(() => native.programFdById(0x7fffffff)).code, 'ENOENT');
});

test.serial('XDP link: one owner, replaced in place, defunct when the device goes', (t) => {
  const { ifindex, remove } = vethPair(t);
  const [report, odd] = [program(t, 'report'), program(t, 'odd')];
  const link = native.linkCreate(report, ifindex, 'xdp');
  t.teardown(() => native.closeFd(link));
  const info = native.linkInfo(link);
  t.like(info, { ifindex, kind: 'xdp', attachType: 37, programId: native.programInfo(report).id });
  t.is(thrownBy(() => native.linkCreate(odd, ifindex, 'xdp')).code, 'EBUSY');
  t.is(thrownBy(() => native.linkCreate(odd, ifindex, 'xdp-generic')).code, 'EEXIST');
  native.linkUpdate(link, odd);
  t.deepEqual(native.linkInfo(link), { ...info, programId: native.programInfo(odd).id });
  remove();
  t.is(native.linkInfo(link).ifindex, 0);
  t.is(thrownBy(() => native.linkUpdate(link, report)).code, 'ENOLINK');
});

test.serial('XDP link: generic where there is no driver support', (t) => {
  const report = program(t, 'report');
  const name = `hn${process.pid}b`;
  run('ip', 'link', 'add', name, 'type', 'bridge'); // has no native XDP
  t.teardown(() => run('ip', 'link', 'delete', name));
  const ifindex = native.ifNameToIndex(name);
  t.is(thrownBy(() => native.linkCreate(report, ifindex, 'xdp')).code, 'EOPNOTSUPP');
  const link = native.linkCreate(report, ifindex, 'xdp-generic');
  t.is(native.linkInfo(link).ifindex, ifindex);
  native.linkDetach(link);
  t.is(native.linkInfo(link).ifindex, 0);
  native.closeFd(link);
});

test.serial('TCX links, both directions', (t) => {
  const { ifindex, remove } = vethPair(t);
  const mark = program(t, 'mark');
  const ingress = native.linkCreate(mark, ifindex, 'tcx-ingress');
  const egress = native.linkCreate(mark, ifindex, 'tcx-egress');
  t.teardown(() => [ingress, egress].forEach(native.closeFd));
  t.like(native.linkInfo(ingress), { kind: 'tcx', ifindex, attachType: 46 });
  t.like(native.linkInfo(egress), { kind: 'tcx', ifindex, attachType: 47 });
  native.linkUpdate(ingress, mark);
  remove();
  t.like(native.linkInfo(ingress), { kind: 'tcx', ifindex: 0, attachType: 46 });
});

test.serial('clsact filter: set, replaced, removed, twice over', (t) => {
  const { ifindex, name } = vethPair(t);
  const mark = program(t, 'mark');
  const query = () => native.tcQuery(ifindex, 'ingress', HANDLE, PRIORITY);
  t.is(query(), 0);
  native.tcAttach(mark, ifindex, 'ingress', HANDLE, PRIORITY);
  native.tcAttach(mark, ifindex, 'ingress', HANDLE, PRIORITY);
  t.is(query(), native.programInfo(mark).id);
  t.is(native.tcQuery(ifindex, 'egress', HANDLE, PRIORITY), 0);
  native.tcDetach(ifindex, 'ingress', HANDLE, PRIORITY, false);
  t.is(query(), 0);
  t.regex(run('tc', 'qdisc', 'show', 'dev', name), /clsact/);
  native.tcDetach(ifindex, 'ingress', HANDLE, PRIORITY, true);
  native.tcDetach(ifindex, 'ingress', HANDLE, PRIORITY, true);
  t.notRegex(run('tc', 'qdisc', 'show', 'dev', name), /clsact/);
  t.is(thrownBy(() => native.tcAttach(mark, 0x7ffffff, 'ingress', 1, 1)).code, 'ENODEV');
});

test.serial('pins: what is put there is found there', (t) => {
  t.true(native.fsIsBpffs(bpffs));
  t.false(native.fsIsBpffs(folder));
  t.is(thrownBy(() => native.fsIsBpffs(join(folder, 'nowhere'))).code, 'ENOENT');
  const [seen, path] = [object.mapFd('seen'), join(bpffs, 'seen')];
  native.pin(seen, path);
  t.is(thrownBy(() => native.pin(seen, path)).code, 'EEXIST');
  const opened = native.openPin(path);
  t.is(native.mapInfo(opened).id, native.mapInfo(seen).id);
  [seen, opened].forEach(native.closeFd);
  rmSync(path);
  t.is(thrownBy(() => native.openPin(path)).code, 'ENOENT');
});

test.serial('a folder is locked once, on bpffs and elsewhere, and tells by whom', (t) => {
  for (const path of [bpffs, folder]) {
    const lock = native.lockFolder(path);
    t.is(thrownBy(() => native.lockFolder(path)).code, 'EAGAIN');
    t.is(native.lockOwner(path), process.pid);
    native.closeFd(lock);
    t.is(native.lockOwner(path), 0);
    native.closeFd(native.lockFolder(path));
  }
  t.is(thrownBy(() => native.lockFolder(join(folder, 'nowhere'))).code, 'ENOENT');
});

test.serial('test_run: action, frame and context of both kinds', (t) => {
  const { ifindex } = vethPair(t);
  const [odd, mark] = [program(t, 'odd'), program(t, 'mark')];
  t.like(native.testRun(odd, FRAME), { action: 2, data: FRAME });
  t.is(native.testRun(odd, FRAME, { ifindex, kind: 'xdp' }).action, 2);
  t.is(native.testRun(mark, FRAME, { ifindex, repeat: 3 }).action, -1);
  t.is(thrownBy(() => native.testRun(odd, FRAME, { ifindex: 0x7ffffff })).code, 'ENODEV');
  t.is(thrownBy(() => native.testRun(mark, Buffer.alloc(4))).code, 'EINVAL');
  t.is(thrownBy(() => native.testRun(9999, FRAME, { kind: 'xdp' })).code, 'EBADF');
});

test.serial('test_run: live frames travel', (t) => {
  const { ifindex } = vethPair(t);
  const report = program(t, 'report');
  const result = native.testRun(report, FRAME, { ifindex, live: true, repeat: 100, batch: 10 });
  t.is(result.data.length, 0);
  const events = object.mapFd('events');
  const ring = new native.RingBuffer(events, 16, () => undefined);
  while (ring.consume() > 0);
  ring.close();
  native.closeFd(events);
});

test.serial('ring: batches of whole records, odd sizes counted', async (t) => {
  const { ifindex } = vethPair(t);
  const [report, odd, events] = [program(t, 'report'), program(t, 'odd'), object.mapFd('events')];
  const batches: { count: number; ifindex: bigint; bytes: bigint }[] = [];
  const ring = new native.RingBuffer(
    events,
    16,
    (records, count) => {
      t.is(records.length, 16 * count);
      const at = records.length - 16;
      batches.push({ count, ifindex: records.readBigUInt64LE(at), bytes: records.readBigUInt64LE(at + 8) });
    },
    100,
  );
  t.teardown(() => ring.close());
  native.closeFd(events); // the ring holds its own
  const total = () => batches.reduce((sum, { count }) => sum + count, 0);
  while (ring.consume() > 0); // left by other tests
  batches.length = 0;
  const bad = ring.badRecords;
  native.testRun(report, FRAME, { ifindex, repeat: 250 });
  native.testRun(odd, FRAME, { repeat: 3 });
  t.is(ring.consume(), 100);
  await until(() => total() === 250 && ring.badRecords === bad + 3);
  t.deepEqual(batches[0], { count: 100, ifindex: BigInt(ifindex), bytes: 60n });
  t.true(batches.every(({ count }) => count <= 100));
  ring.close();
  ring.close();
  native.testRun(report, FRAME, { repeat: 5 });
  t.is(ring.consume(), 0);
});

test.serial('ring: another map is refused', (t) => {
  const seen = object.mapFd('seen');
  t.teardown(() => native.closeFd(seen));
  t.is(thrownBy(() => new native.RingBuffer(seen, 16, () => undefined)).code, 'EINVAL');
  t.throws(() => new native.RingBuffer(seen, 0, () => undefined), { instanceOf: TypeError });
});

test.serial('packets: out at one end, in at the other, the VLAN tag included, own ones not', async (t) => {
  const { name, ifindex } = vethPair(t);
  const heard: string[] = [];
  const own: string[] = [];
  const receiver = new native.PacketSocket(native.ifNameToIndex(`${name}p`), 0x0806, (frame) =>
    heard.push(frame.toString('hex')),
  );
  const both = new native.PacketSocket(ifindex, 3, (frame) => own.push(frame.toString('hex')));
  const sender = new native.PacketSocket(ifindex, 0x0806, null);
  t.teardown(() => [receiver, both, sender].forEach((socket) => socket.close()));
  const arp = 'ffffffffffff' + '02fc00000099' + '0806' + '00'.repeat(46);
  const tagged = 'ffffffffffff' + '02fc00000099' + '81000064' + '0806' + '00'.repeat(46);
  const ip = 'ffffffffffff' + '02fc00000099' + '0800' + '00'.repeat(46);
  for (const frame of [ip, arp, tagged]) sender.send(Buffer.from(frame, 'hex'));
  both.send(Buffer.from(arp, 'hex'));
  await until(() => heard.length === 3);
  t.deepEqual(heard, [arp, tagged, arp]);
  t.deepEqual(
    own,
    [arp, tagged, ip].filter(() => false),
  );
  sender.close();
  sender.close();
  t.is(thrownBy(() => sender.send(FRAME)).code, 'EBADF');
});

test.serial('packets: a bridge port is heard before its bridge', async (t) => {
  const { name, ifindex } = vethPair(t);
  const bridge = `hn${process.pid}b`;
  run('ip', 'link', 'add', bridge, 'type', 'bridge');
  t.teardown(() => run('ip', 'link', 'delete', bridge));
  run('ip', 'link', 'set', `${name}p`, 'master', bridge);
  let heard = 0;
  const receiver = new native.PacketSocket(native.ifNameToIndex(`${name}p`), 0x0806, () => heard++);
  const sender = new native.PacketSocket(ifindex, 0x0806, null);
  t.teardown(() => [receiver, sender].forEach((socket) => socket.close()));
  sender.send(Buffer.from('ffffffffffff' + '02fc00000099' + '0806' + '00'.repeat(46), 'hex'));
  await until(() => heard === 1);
  t.pass();
});

test.serial('packets: a device that goes down and up again is heard again', async (t) => {
  const { name, ifindex } = vethPair(t);
  let heard = 0;
  const receiver = new native.PacketSocket(native.ifNameToIndex(`${name}p`), 0x0806, () => heard++);
  const sender = new native.PacketSocket(ifindex, 0x0806, null);
  t.teardown(() => [receiver, sender].forEach((socket) => socket.close()));
  const arp = Buffer.from('ffffffffffff' + '02fc00000099' + '0806' + '00'.repeat(46), 'hex');
  run('ip', 'link', 'set', `${name}p`, 'down');
  await new Promise((resolve) => setTimeout(resolve, 50));
  run('ip', 'link', 'set', `${name}p`, 'up');
  await new Promise((resolve) => setTimeout(resolve, 50));
  sender.send(arp);
  await until(() => heard === 1);
  t.is(thrownBy(() => new native.PacketSocket(0x7ffffff, 3, null)).code, 'ENODEV');
});

test.serial('a worker that is terminated takes its readers along', async (t) => {
  const code = `
    const { createRequire } = require('node:module');
    const native = require(${JSON.stringify(new URL('../../native/havip.node', import.meta.url).pathname.replace('/test/', '/'))});
    new native.NetlinkSocket(0, [1], () => undefined);
    new native.NetlinkSocket(16, [], () => undefined);
    require('node:worker_threads').parentPort.postMessage('up');`;
  const worker = new Worker(code, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  t.is(await worker.terminate(), 1);
});

test.serial('a worker that is terminated while records wait does not take the process down', (t) => {
  const addon = new URL('../../native/havip.node', import.meta.url).pathname.replace('/test/', '/');
  const inner = `
    const { parentPort, workerData } = require('node:worker_threads');
    const native = require(workerData.addon);
    new native.RingBuffer(workerData.ring, 16, () => undefined, 1);
    parentPort.postMessage('up');`;
  const code = `
    const { Worker } = require('node:worker_threads');
    const addon = ${JSON.stringify(addon)};
    const native = require(addon);
    const object = new native.BpfObject(${JSON.stringify(join(folder, 'test.o'))});
    object.load();
    const [ring, report] = [object.mapFd('events'), object.programFd('report')];
    (async () => {
      for (let round = 0; round < 30; round++) {
        const worker = new Worker(${JSON.stringify(inner)}, { eval: true, workerData: { addon, ring } });
        await new Promise((resolve) => worker.once('message', resolve));
        const ended = worker.terminate();
        for (let i = 0; i < 200; i++) native.testRun(report, Buffer.alloc(64));
        await ended;
      }
      console.log('quietly');
    })();`;
  t.is(run(process.execPath, '-e', code), 'quietly\n');
});

test.serial(
  'a worker that is terminated while it loads in the background does not take the process down',
  (t) => {
    const addon = new URL('../../native/havip.node', import.meta.url).pathname.replace('/test/', '/');
    const inner = `
    const { parentPort, workerData } = require('node:worker_threads');
    const native = require(workerData.addon);
    new native.BpfObject(workerData.object).loadInBackground();
    parentPort.postMessage('up');`;
    const code = `
    const { Worker } = require('node:worker_threads');
    const workerData = { addon: ${JSON.stringify(addon)}, object: ${JSON.stringify(join(folder, 'test.o'))} };
    (async () => {
      for (let round = 0; round < 20; round++) {
        const worker = new Worker(${JSON.stringify(inner)}, { eval: true, workerData });
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      console.log('quietly');
    })();`;
    t.is(run(process.execPath, '-e', code), 'quietly\n');
  },
);

test.serial('errors have a name, a number and the call', (t) => {
  const error = thrownBy(() => native.linkUpdate(-1, -1));
  t.like(error, { code: 'EBADF', errno: 9, syscall: 'bpf_link_update' });
  t.is(error.message, 'bpf_link_update fd -1: Bad file descriptor');
  t.throws(() => native.linkCreate(1, 1, 'nowhere' as native.LinkHook), { message: /xdp, xdp-generic/ });
  t.is(native.ifNameToIndex('nosuchdevice'), 0);
  t.regex(native.libbpfVersion(), /^v1\./);
});
