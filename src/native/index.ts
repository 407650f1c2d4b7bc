// SPDX-License-Identifier: BSD-2-Clause
// The native addon, typed: what the npm package `bpf` cannot do (load, attach, replace, ring, sockets, test_run).
// Thin on purpose: one export is one kernel or libbpf call. Layout checks, pins' names and policy live above.

import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HavipError } from '../errors.js';

/**
 * What every function here throws.
 * code: errno's name ('EBUSY'), 'ELIBBPF' for libbpf's own numbers (4000 and up). errno: positive.
 * syscall: the call that failed. log: libbpf's output during the call, verifier included; absent when it said nothing.
 */
export interface NativeError extends Error {
  code: string;
  errno: number;
  syscall: string;
  log?: string;
}

/** Whether something caught is an error of the addon (or of Node's own system calls, which have the same fields). */
export function isNativeError(thrown: unknown): thrown is NativeError {
  return thrown instanceof Error && 'errno' in thrown && 'syscall' in thrown;
}

/** A map as the object file declares it. Sizes in bytes. `flags`: BPF_F_* of map creation. */
export interface DeclaredMap {
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
}

/** A libbpf object: opened by the constructor, then loaded. A closed one answers EBADF. */
export interface BpfObject {
  /** Before load() only; EBUSY after. ENOENT: no such map. */
  setMaxEntries(map: string, entries: number): void;
  /**
   * A variable of .rodata, whole. Before load() only; EBUSY after. ENOENT: no such variable. EINVAL: it has another size.
   */
  setConstant(name: string, value: Buffer): void;
  /** load() takes this map instead of creating one. Duplicates fd; whether the layouts agree is the caller's to check. */
  reuseMap(map: string, fd: number): void;
  /** Creates maps, verifies programs. Errors carry `log`. */
  load(): void;
  /** The same in a thread of libuv; until it is done, the object answers EBUSY. */
  loadInBackground(): Promise<void>;
  /** A close-on-exec duplicate; the caller closes it. EBADF before load(). */
  mapFd(map: string): number;
  /** A close-on-exec duplicate; the caller closes it. EBADF before load(). */
  programFd(program: string): number;
  /** Usable before load(). Names are those of the source, not cut to the kernel's 15 bytes. */
  maps(): DeclaredMap[];
  /** Names, as those of the maps. */
  programs(): string[];
  /** Harmless twice. Maps and programs live on while a descriptor, pin or link holds them. */
  close(): void;
}

/** 'xdp' is native (driver) mode and fails with EOPNOTSUPP on a driver without it; TCX needs kernel 6.6. */
export type LinkHook = 'xdp' | 'xdp-generic' | 'tcx-ingress' | 'tcx-egress';

/** ifindex 0: the device is gone, the link is defunct. attachType: 37 XDP, 46 TCX ingress, 47 TCX egress. */
export interface LinkInfo {
  id: number;
  programId: number;
  ifindex: number;
  kind: 'xdp' | 'tcx' | 'other';
  attachType: number;
}

export type Direction = 'ingress' | 'egress';

/** linkId 0: attached without a link. */
export interface TcxProgram {
  programId: number;
  linkId: number;
}

/**
 * runTimeNs and runCount stay 0n unless sysctl kernel.bpf_stats_enabled is on. tag: 16 hex digits. xlatedBytes: 8 an
 * instruction, as the verifier left them; 0 without CAP_PERFMON.
 */
export interface ProgramInfo {
  id: number;
  name: string;
  type: number;
  tag: string;
  mapIds: number[];
  xlatedBytes: number;
  jitedBytes: number;
  verifiedInstructions: number;
  runTimeNs: bigint;
  runCount: bigint;
}

/** A map as the kernel has it; name is cut to 15 bytes. */
export interface MapInfo {
  id: number;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  name: string;
}

/** Readers keep the event loop alive until close(); unref() lets it end without them. close() twice is harmless. */
export interface Reader {
  ref(): void;
  unref(): void;
  close(): void;
}

/**
 * A ring buffer of records of one size. onBatch gets one Buffer of count * recordBytes bytes, at most maxBatch
 * records, and owns it. What it throws becomes an uncaughtException; the reader goes on.
 */
export interface RingBuffer extends Reader {
  /** Drains one batch now, through onBatch. Returns records taken (bad ones included), at most maxBatch; 0: empty. */
  consume(): number;
  /** Records of another size than recordBytes: dropped, never handed over. */
  readonly badRecords: number;
}

/** A netlink socket of the network namespace of the creating thread. */
export interface NetlinkSocket extends Reader {
  /** One message or several, as one datagram to the kernel. */
  send(message: Buffer): void;
  /** A multicast group by number. */
  joinGroup(group: number): void;
}

/** An AF_PACKET socket bound to one device. Whole frames, VLAN tag included. */
export interface PacketSocket extends Reader {
  send(frame: Buffer): void;
}

/**
 * repeat: runs (default 1). ifindex: the device in the program's context, of this thread's network namespace (ENODEV).
 * kind: form of the context, default by program type. live: frames really travel (XDP only, kernel 5.18); batch:
 * frames a go in live mode, default 64. mark: up to 5 words where nothing that sends can write: metadata in front of the
 * frame (XDP), cb (tc).
 */
export interface TestRunOptions {
  repeat?: number;
  ifindex?: number;
  kind?: 'xdp' | 'tc';
  live?: boolean;
  batch?: number;
  mark?: readonly number[];
}

/** action: signed, TC_ACT_UNSPEC is -1. data: the frame afterwards. durationNs: mean of a run. Live mode: 0, empty, mean. */
export interface TestRunResult {
  action: number;
  data: Buffer;
  durationNs: number;
}

interface Addon {
  BpfObject: new (path: string) => BpfObject;
  RingBuffer: new (
    mapFd: number,
    recordBytes: number,
    onBatch: (records: Buffer, count: number) => void,
    maxBatch?: number,
  ) => RingBuffer;
  NetlinkSocket: new (
    protocol: number,
    groups: readonly number[],
    onMessage: (datagram: Buffer | null) => void,
  ) => NetlinkSocket;
  PacketSocket: new (
    ifindex: number,
    ethertype: number,
    onFrame: ((frame: Buffer) => void) | null,
  ) => PacketSocket;
  linkCreate: (programFd: number, ifindex: number, hook: LinkHook) => number;
  linkUpdate: (linkFd: number, programFd: number) => void;
  linkInfo: (linkFd: number) => LinkInfo;
  linkDetach: (linkFd: number) => void;
  tcAttach: (
    programFd: number,
    ifindex: number,
    direction: Direction,
    handle: number,
    priority: number,
  ) => boolean;
  tcDetach: (
    ifindex: number,
    direction: Direction,
    handle: number,
    priority: number,
    removeClsact: boolean,
  ) => void;
  tcQuery: (ifindex: number, direction: Direction, handle: number, priority: number) => number;
  programInfo: (fd: number) => ProgramInfo;
  programFdById: (id: number) => number;
  pin: (fd: number, path: string) => void;
  openPin: (path: string) => number;
  mapInfo: (fd: number) => MapInfo;
  possibleCpus: () => number;
  libbpfVersion: () => string;
  fsIsBpffs: (path: string) => boolean;
  lockFolder: (path: string) => number;
  closeFd: (fd: number) => void;
  ifNameToIndex: (name: string) => number;
  tcxQuery: (ifindex: number, direction: Direction) => TcxProgram[];
  linkIds: () => number[];
  linkFdById: (id: number) => number;
  probeHelper: (programType: number, helper: number) => boolean;
  probeMapType: (mapType: number) => boolean;
  testRun: (programFd: number, frame: Buffer, options?: TestRunOptions) => TestRunResult;
  sumStripes: (mapFd: number, stripes: number) => Buffer;
  sumRows: (rows: Buffer, count: number) => Buffer;
  settle: () => void;
}

function loadAddon(): Addon {
  const path = fileURLToPath(new URL('../../native/havip.node', import.meta.url));
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    const cure = 'run `make` in the source folder; the addon needs libbpf.so.1 (Debian: libbpf1)';
    throw new HavipError('FAILED', `cannot load the native addon ${path}: ${reason}`, { cure, cause });
  }
}

const addon = loadAddon();

/** Opens an object file. ENOENT, or 'ELIBBPF' with a log for a file that is no BPF object. */
export const BpfObject = addon.BpfObject;

/** Duplicates mapFd. maxBatch: default 4096. EINVAL: not a ring buffer. */
export const RingBuffer = addon.RingBuffer;

/**
 * protocol: NETLINK_ROUTE 0, NETLINK_GENERIC 16. groups: multicast groups to join. onMessage: one datagram of the
 * kernel, holding whole messages; null: the receive buffer overran, messages are lost, dump again.
 */
export const NetlinkSocket = addon.NetlinkSocket;

/**
 * ethertype: host order, 3 for all; of a tagged frame the one behind the outermost tag. Heard on a bridge's port too,
 * before the bridge and before tc, but after XDP. What this host sends is not heard. onFrame null: a socket that only
 * sends. ENODEV.
 */
export const PacketSocket = addon.PacketSocket;

/**
 * Attaches and returns the link's descriptor; unless pinned, closing it detaches. For TCX the program is last in line.
 * EBUSY: another XDP link is there. EEXIST: generic beside native. EOPNOTSUPP: no native XDP. EINVAL: no such device,
 * or no TCX in this kernel.
 */
export const linkCreate = addon.linkCreate;

/** Replaces the program without a gap. ENOLINK: the device is gone. */
export const linkUpdate = addon.linkUpdate;

export const linkInfo = addon.linkInfo;

/** Detaches now, whoever else holds or pins the link; it stays as a defunct one. */
export const linkDetach = addon.linkDetach;

/** For kernels without TCX: sets or replaces the filter (direct action). Returns whether it had to make the clsact qdisc. */
export const tcAttach = addon.tcAttach;

/** Removes the filter; one that is not there, or whose device is gone, is no error. removeClsact: the qdisc too, with everybody's filters. */
export const tcDetach = addon.tcDetach;

/** The filter's program id; 0: no such filter, no clsact, or no such device. */
export const tcQuery = addon.tcQuery;

/** EINVAL, or what the kernel makes of a descriptor that is no program (EBADFD). */
export const programInfo = addon.programInfo;

/** Caller closes. ENOENT: no such program. */
export const programFdById = addon.programFdById;

/** Pins a map, program or link. EEXIST; EPERM where path is not in a bpffs. */
export const pin = addon.pin;

/** Opens a pinned map, program or link; the caller closes it. ENOENT. */
export const openPin = addon.openPin;

export const mapInfo = addon.mapInfo;

/** How many values a per-CPU map holds a key; at least the number of CPUs online. */
export const possibleCpus = addon.possibleCpus;

/** For example 'v1.1'. */
export const libbpfVersion = addon.libbpfVersion;

/** ENOENT where path does not exist. */
export const fsIsBpffs = addon.fsIsBpffs;

/** An exclusive lock on a folder; closing the descriptor releases it. EAGAIN: somebody else has it (lockOwner). */
export const lockFolder = addon.lockFolder;

/** EBADF on a second call: numbers are reused, so a double close is a defect. */
export const closeFd = addon.closeFd;

/** 0: no such device in the network namespace of this thread. */
export const ifNameToIndex = addon.ifNameToIndex;

/** The programs of a TCX hook in the order in which they run. EINVAL: no TCX in this kernel. ENODEV. */
export const tcxQuery = addon.tcxQuery;

/** Every bpf_link of the kernel, whoever made it. EPERM without CAP_SYS_ADMIN. */
export const linkIds = addon.linkIds;

/** Caller closes. ENOENT: it has gone. */
export const linkFdById = addon.linkFdById;

/** Whether this kernel has a helper for programs of a type (enum bpf_func_id, bpf_prog_type): loads a program of two lines. */
export const probeHelper = addon.probeHelper;

/** Whether this kernel has maps of a type (enum bpf_map_type): makes one, and lets it go. */
export const probeMapType = addon.probeMapType;

/** Runs a loaded program on a frame, without any device. EINVAL: under 14 bytes, or for tc more than about a page. */
export const testRun = addon.testRun;

/**
 * An array map made with BPF_F_MMAPABLE, seen as `stripes` of equally many rows: one stripe, each of its 64-bit words the
 * sum of all of them. EINVAL: made without that flag, rows of no whole words, or not that many stripes.
 */
export const sumStripes = addon.sumStripes;

/** `count` rows of 64-bit words, added up word by word. RangeError: not that many, or of no whole words. */
export const sumRows = addon.sumRows;

/** Returns when every BPF program that ran at the call has ended (milliseconds; a system call that waits). */
export const settle = addon.settle;

/**
 * Who holds lockFolder's lock on path.
 * Shape: a process id as this pid namespace sees it. 0: nobody, or a holder that cannot be seen from here.
 * Source: /proc/locks, by device and inode.
 */
export function lockOwner(path: string): number {
  const folder = statSync(path, { bigint: true });
  const place = `${lockDevice(folder.dev)}:${folder.ino}`;
  for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
    // 3: FLOCK  ADVISORY  WRITE 4711 00:2e:12345 0 EOF; waiting ones have "->" in front of FLOCK
    const [, kind, , , pid, where] = line.trim().split(/\s+/);
    if (kind === 'FLOCK' && where === place) return Math.max(0, Number(pid));
  }
  return 0;
}

/** glibc's dev_t as /proc/locks prints it: major and minor, two hex digits at least. */
function lockDevice(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${hex2(major)}:${hex2(minor)}`;
}

function hex2(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}
