// SPDX-License-Identifier: BSD-2-Clause
// What the control thread tells the worker, and what the worker asks of it. Plain data: it crosses a MessagePort.
// Holders, counters and names are not in here: the worker reads them from the pinned maps.

import type { MessagePort } from 'node:worker_threads';
import type { Listen } from '../config/types.js';
import type { ErrorCode } from '../errors.js';
import type { HavipName, Outcome, Posted } from './orders.js';

export const EVENT_KINDS = [
  'bind',
  'move',
  'mac-change',
  'release',
  'refuse',
  'flap',
  'flap-end',
  'split-brain',
  'split-brain-end',
  'dual-active',
  'disagreement',
  'attach',
  'detach',
  'config',
  'lost',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

/** Who, in an operator's words: the port's name, and a MAC in text form. */
export interface EventParty {
  readonly port: string;
  readonly mac: string;
}

/** One thing that happened; `havip events` prints it. */
export interface EventRecord {
  /** From 1, without gaps, and on over restarts as far as the state folder can be read. */
  readonly seq: number;
  readonly kind: EventKind;
  /** Monotonic: for a claim, when the frame reached the hook. */
  readonly timeNs: bigint;
  /** The same instant since 1970. */
  readonly wallNs: bigint;
  /** The three are empty where the event is about a port or the daemon. */
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly from: EventParty | null;
  readonly to: EventParty | null;
  /** The frame's form, the refusal's name, or why a port or file changed. */
  readonly reason: string;
  /** How many alike this one stands for. */
  readonly count: number;
  /** From the frame at the hook until the binding was in the map; null where no binding was written. */
  readonly repointNs: bigint | null;
}

/** A move by the kernel's numbers, by which the worker finds what was seen of it. */
export interface MoveRecord {
  /** The `seq` of its event. */
  readonly id: number;
  /** Index in the `havips` map. */
  readonly havip: number;
  /** 0: nobody had held it. */
  readonly fromSlot: number;
  readonly toSlot: number;
  /** The new binding's. */
  readonly sinceNs: bigint;
  /** When it was visible to every CPU; null: nobody knows. */
  readonly writtenNs: bigint | null;
}

/** A port as the control thread serves it. */
export interface PortRecord {
  readonly slot: number;
  readonly name: string;
  readonly bridge: string;
  readonly kind: 'vnic' | 'uplink' | 'host' | 'gateway';
  readonly hook: 'xdp' | 'tc' | 'tc-egress';
  readonly up: boolean;
  /** Whether frames can be redirected into it from XDP; otherwise they take the bridge. */
  readonly takesXdp: boolean;
  /** Why no program is attached, so that the bridge serves it; null: one is. */
  readonly failure: string | null;
}

/** What the configuration names and this host does not have (yet). */
export interface AbsentRecord {
  readonly kind: 'bridge' | 'uplink' | 'gateway';
  readonly name: string;
}

export interface ConfigRecord {
  /** The last file that was read was bad, and an older configuration serves. */
  readonly stale: boolean;
  readonly path: string | null;
  /** When the configuration that serves came into force. */
  readonly loadedWallNs: bigint;
  /** What was wrong with it: `file:line:column: message` lines. */
  readonly problems: readonly string[];
}

export type ToWorker =
  | {
      readonly type: 'events';
      readonly events: readonly EventRecord[];
      readonly moves: readonly MoveRecord[];
    }
  | {
      readonly type: 'ports';
      readonly ports: readonly PortRecord[];
      readonly absent: readonly AbsentRecord[];
    }
  /** Indices (in the `havips` map) of the HAVIPs whose move budget is spent. */
  | { readonly type: 'flapping'; readonly havips: readonly number[] }
  /** Indices of the HAVIPs for which two guests speak. */
  | { readonly type: 'split'; readonly havips: readonly number[] }
  /** Decisions of the programs that the model has judged, since the daemon's start. */
  | { readonly type: 'audit'; readonly audited: number; readonly mismatches: number }
  /** The longest wait of the control thread's event loop since the last such message, a second ago. Unit: ns. */
  | { readonly type: 'lag'; readonly maxNs: number }
  | { readonly type: 'config'; readonly config: ConfigRecord }
  /** HAVIPs in force that were defined at run time, and a line for each definition that is not in force. */
  | { readonly type: 'runtime'; readonly havips: readonly HavipName[]; readonly conflicts: readonly string[] }
  /** HAVIPs that were defined or are no more; null: many. */
  | { readonly type: 'defined'; readonly havips: readonly HavipName[] | null }
  | { readonly type: 'ordered'; readonly request: number; readonly outcome: Outcome }
  /** Events that an earlier worker has told already: only kept. */
  | { readonly type: 'history'; readonly events: readonly EventRecord[] }
  | { readonly type: 'stop' };

export type FromWorker =
  | {
      readonly type: 'ready';
      readonly metricsAddress: string | null;
      readonly webAddress: string | null;
      readonly history: HistoryStart;
    }
  /** Could not start; the worker ends after it. `code`: as HavipError's. */
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly cure: string | undefined;
    }
  | { readonly type: 'order'; readonly request: number; readonly order: Posted };

/** What the state folder had when the worker opened it. */
export interface HistoryStart {
  /** The number of the newest event; 0: none. */
  readonly lastSeq: number;
  /** Of records that a crash had cut off, and that were taken away. */
  readonly cutBytes: number;
}

/** Handed to the worker at its start. */
export interface WorkerOptions {
  readonly pinPath: string;
  readonly socket: string;
  readonly metricsListen: Listen | null;
  readonly webListen: Listen | null;
  /** Folder of the history; it may not be there, or not writable. */
  readonly statePath: string;
  readonly version: string;
  /** Of this life of the daemon, in which events are numbered: the same for every worker, another at the next start. */
  readonly epoch: bigint;
}

export interface WorkerData extends WorkerOptions {
  /** Gets a message when the maps are pinned: the worker may begin. */
  readonly begun: MessagePort;
}
