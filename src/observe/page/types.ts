// SPDX-License-Identifier: BSD-2-Clause
// What the daemon tells the status page: JSON, in parts, of which each is sent when it has changed. The one contract
// of both sides, so nothing of Node or of a browser is in here.
// Times ending in `Ms` count from 1970 and have microseconds behind the point; `Ns` are durations or offsets.

export type RowState = 'held' | 'unheld' | 'flapping' | 'split-brain';

export interface PageRow {
  /** network/subnet/address: names the row for as long as the HAVIP is there. */
  readonly key: string;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly state: RowState;
  /** null: nobody holds it. */
  readonly holder: PageHolder | null;
  readonly moves: number;
  /** Decimal: they grow past what a JSON number holds. */
  readonly packets: string;
  readonly bytes: string;
  readonly saved: string;
  readonly unheld: string;
  /** Packets a second over the last interval; null: seen only once so far. */
  readonly rate: number | null;
}

export interface PageHolder {
  readonly port: string;
  readonly mac: string;
  readonly location: 'local' | 'uplink';
  readonly sinceMs: number;
  readonly by: string;
}

/** The parts, by the name of the server-sent event that carries each. */
export interface PageParts {
  readonly tick: TickPart;
  readonly daemon: DaemonPart;
  readonly totals: TotalsPart;
  readonly rows: RowsPart;
  readonly charts: ChartsPart;
  readonly ports: PortsPart;
  readonly events: EventsPart;
  readonly moves: MovesPart;
}

export type PartName = keyof PageParts;

/** Sent each time, whatever else has changed: that it comes says that the daemon lives. */
export interface TickPart {
  readonly nowMs: number;
  /** How long until the next one. */
  readonly everyMs: number;
  /** States that this page missed since the last one, since it read too slowly. */
  readonly skipped: number;
}

export interface DaemonPart {
  readonly pid: number;
  readonly version: string;
  readonly startedMs: number;
  readonly pinPath: string;
  readonly metricsAddress: string | null;
  readonly capacity: { readonly havips: number; readonly ports: number };
  readonly config: {
    readonly stale: boolean;
    readonly path: string | null;
    readonly loadedMs: number;
    readonly problems: readonly string[];
  } | null;
  readonly absent: readonly { readonly kind: string; readonly name: string }[];
  /** Doorbells and claims that found no room. Decimal. */
  readonly losses: { readonly ringFull: string; readonly claimsFull: string };
}

export interface TotalsPart {
  readonly havips: number;
  readonly held: number;
  readonly unheld: number;
  readonly flapping: number;
  readonly split: number;
  /** Packets a second of all HAVIPs. */
  readonly rate: number;
  /** The first of those with an alarm. */
  readonly alarms: readonly PageRow[];
}

export interface RowsPart {
  readonly rows: readonly PageRow[];
  /** How many the filter leaves. */
  readonly matching: number;
  /** From 0; the last one where a later one was asked for. */
  readonly page: number;
  readonly pages: number;
  /** The chosen HAVIP, wherever it is; null: none is, or it is gone. */
  readonly chosen: PageRow | null;
}

/** Packets a second. Shape: values are as many as times; null: not known then. */
export interface ChartsPart {
  readonly timesMs: readonly number[];
  readonly series: readonly {
    readonly key: string;
    readonly address: string;
    readonly values: readonly (number | null)[];
  }[];
}

export interface PortsPart {
  /** Those with something wrong first. */
  readonly ports: readonly PagePort[];
  readonly total: number;
  readonly unwell: number;
}

export interface PagePort {
  readonly name: string;
  readonly bridge: string;
  readonly kind: string;
  readonly hook: string;
  readonly up: boolean;
  readonly takesXdp: boolean;
  /** Why no program is attached; null: one is. */
  readonly failure: string | null;
  /** Since it was attached. Decimal. */
  readonly refused: string;
  readonly dropped: string;
  /** When they last rose, as far as it was seen. */
  readonly refusedMs: number | null;
  readonly droppedMs: number | null;
}

export interface EventsPart {
  /** Newest first. */
  readonly events: readonly PageEvent[];
}

export interface PageParty {
  readonly port: string;
  readonly mac: string;
}

export interface PageEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly kind: string;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly from: PageParty | null;
  readonly to: PageParty | null;
  readonly reason: string;
  readonly count: number;
  readonly repointNs: number | null;
}

export interface MovesPart {
  /** Those that are new or have changed since the last part. */
  readonly moves: readonly PageMove[];
  /** How many more there were, that did not fit. */
  readonly missed: number;
}

export interface PageStage {
  readonly name: string;
  readonly share: 'guests' | 'network' | 'traffic';
  readonly startNs: number;
  readonly endNs: number;
}

/** A dossier (src/holders/dossier.ts); its times are offsets from the announcement. */
export interface PageMove {
  readonly id: number;
  readonly key: string;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  readonly from: PageParty | null;
  readonly to: PageParty;
  readonly reason: string;
  readonly releaseReason: string;
  readonly announcedMs: number;
  /** In the order of Stamps; those that were seen. */
  readonly stamps: readonly { readonly name: string; readonly atNs: number }[];
  readonly vrrp: {
    readonly vrid: number;
    readonly intervalNs: number;
    readonly oldPriority: number | null;
    readonly newPriority: number | null;
  } | null;
  readonly outageNs: number | null;
  readonly basis: 'answers' | 'deliveries' | 'none';
  readonly guestsNs: number | null;
  readonly networkNs: number | null;
  readonly expectedGuestsNs: number | null;
  readonly stages: readonly PageStage[];
  readonly advice: string;
  readonly complete: boolean;
}

/** What one page wants to see; it is in the address of its stream. */
export interface PageQuery {
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly filter: string;
  readonly show: Show;
  readonly page: number;
  /** Key of the chosen row; empty: none. */
  readonly chosen: string;
}

export type SortKey = 'address' | 'state' | 'holder' | 'age' | 'moves' | 'rate' | 'packets';
export type Show = 'all' | 'alarm' | 'held' | 'unheld';
