// SPDX-License-Identifier: BSD-2-Clause
// What the API talks about, as plain data: the same shapes on the server's and on the client's side.
// Events, ports and the configuration's state are those of src/observe/messages.ts.
import type { HistoryHealth } from '../history/writer.js';
import type { Dossier } from '../holders/dossier.js';
import type { TraceAnswer, TraceQuestion } from '../kernel/ask-trace.js';
import type { AbsentRecord, ConfigRecord, EventRecord, PortRecord } from '../observe/messages.js';
import type { HavipName, OrderKind, Orders } from '../observe/orders.js';

/** Who defined it: the configuration (a file, or flags), or a client at run time. */
export type HavipOrigin = 'file' | 'api';
export type HavipState = 'held' | 'unheld' | 'flapping' | 'split-brain';

export interface StatusHolder {
  readonly port: string;
  /** Lower case with colons. */
  readonly mac: string;
  readonly location: 'local' | 'uplink';
  /** Monotonic; arrival of the frame that made the binding. */
  readonly sinceNs: bigint;
  /** The same instant since 1970. */
  readonly sinceWallNs: bigint;
  /** The form of that frame, `arp-request` for instance. */
  readonly by: string;
}

export interface HavipStatus {
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly state: HavipState;
  readonly holder: StatusHolder | null;
  readonly moves: number;
  /** Wire segments and whole frames delivered to the holder. */
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Packets whose sender believed in another MAC than the holder's. */
  readonly savedPackets: bigint;
  /** Frames that came while nobody held it. */
  readonly unheldPackets: bigint;
  readonly origin: HavipOrigin;
}

/** Narrows a list; a missing field does not. */
export interface HavipQuery {
  readonly address?: string;
  readonly network?: string;
  readonly subnet?: string;
}

export interface DaemonStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedWallNs: bigint;
  readonly abi: number;
  readonly pinPath: string;
  /** host:port; null: metrics are not served. */
  readonly metricsAddress: string | null;
  /** host:port of the status page; null: it is not served. */
  readonly webAddress: string | null;
  readonly ports: readonly PortRecord[];
  readonly absent: readonly AbsentRecord[];
  /** null: the control thread has not told it yet. */
  readonly config: ConfigRecord | null;
  readonly capacity: { readonly havips: number; readonly ports: number };
  /** What was defined at run time and is not in force, a line each. */
  readonly conflicts: readonly string[];
  /** Missing: an older daemon. */
  readonly history?: HistoryHealth;
}

/** Narrows the ports; a missing field does not. */
export interface PortQuery {
  readonly name?: string;
  readonly bridge?: string;
}

/** What a watcher is told: HAVIPs as they are now, and those that are no more. */
export interface HavipNews {
  /** What came before is to be forgotten. */
  readonly snapshotBegins: boolean;
  readonly havips: readonly HavipStatus[];
  readonly gone: readonly HavipName[];
  /** All have been told, and what follows are changes. */
  readonly snapshotOver: boolean;
}

export interface PortNews {
  readonly ports: readonly PortRecord[];
  /** Slots that are free again. */
  readonly gone: readonly number[];
  readonly snapshotOver: boolean;
}

/** Some events, and how many this subscriber missed just before them. */
export interface EventDelivery {
  readonly events: readonly EventRecord[];
  readonly lost: bigint;
  /** The number that was asked for is another daemon's: what came between is not known. */
  readonly restarted: boolean;
}

/** Narrows the events; a missing field does not. */
export interface EventFilter {
  readonly kinds?: readonly string[];
  readonly address?: string;
  readonly network?: string;
}

/** Narrows the moves; a missing field does not. */
export interface DossierQuery {
  /** The `seq` of a move's event. */
  readonly id?: number;
  /** Canonical. */
  readonly address?: string;
  readonly network?: string;
  /** Only the newest of what is left. */
  readonly last?: number;
}

/** What the server serves; the worker's is over the pinned maps, a test's is a fake. */
export interface ApiSource {
  /** Lazy, so that a long list holds neither the memory nor the thread. */
  listHavips(query: HavipQuery): Iterable<HavipStatus>;
  /** Each as it is now; null: it is defined no more. */
  havips(names: readonly HavipName[]): readonly (HavipStatus | null)[];
  /**
   * @param listener Told which HAVIPs have changed; null: so many that all are to be read. Must neither throw nor wait.
   * @returns Ends it.
   */
  watchHavips(listener: (names: readonly HavipName[] | null) => void): () => void;
  /** Of `daemon().ports`. @returns Ends it. `listener` must neither throw nor wait. */
  watchPorts(listener: () => void): () => void;
  daemon(): DaemonStatus;
  /** Oldest first. */
  dossiers(query: DossierQuery): readonly Dossier[];
  /** Has the control thread do it. Errors: HavipError. */
  order<K extends OrderKind>(kind: K, ask: Orders[K]['ask']): Promise<Orders[K]['reply']>;
  /** Errors: HavipError. */
  trace(question: TraceQuestion): TraceAnswer;
  readonly history: EventHistory;
}

export interface EventHistory {
  /** The life of the daemon in which the events are numbered. */
  readonly epoch: bigint;
  /**
   * Kept events with a greater seq, oldest first, and how many between have already left.
   * @param epoch Of that seq; 0n: this one's.
   */
  after(seq: number, epoch?: bigint): EventDelivery;
  /** @returns Ends the subscription. `listener` must neither throw nor wait. */
  subscribe(listener: (events: readonly EventRecord[]) => void): () => void;
}
