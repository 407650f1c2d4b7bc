// SPDX-License-Identifier: BSD-2-Clause
// A watched host for tests of the screen: three HAVIPs, two ports, two events, at 03:12:41 UTC.
import type { DaemonStatus } from '../../src/api/types.js';
import type { EventRecord } from '../../src/observe/messages.js';
import type { Row } from '../../src/watch/rows.js';
import { initialState, type Look, type Size, type WatchState } from '../../src/watch/state.js';
import { lineText } from '../../src/watch/text.js';
import { pressed, told } from '../../src/watch/update.js';
import { frame } from '../../src/watch/view.js';

export const NOW_MS = Date.UTC(2026, 10, 25, 3, 12, 41);
const NOW_NS = BigInt(NOW_MS) * 1_000_000n;
const SECOND_NS = 1_000_000_000n;

export function row(address: string, change: Partial<Row> = {}): Row {
  return {
    ...{ network: 'blue', subnet: 'web', address, state: 'held', moves: 0, rate: 0 },
    holder: {
      ...{ port: 'tap-a', mac: '02:00:00:00:00:0a', location: 'local', by: 'arp-request' },
      ...{ sinceNs: 5n, sinceWallNs: NOW_NS - 192n * SECOND_NS },
    },
    ...{ packets: 0n, bytes: 0n, savedPackets: 0n, unheldPackets: 0n, origin: 'file' },
    ...change,
  };
}

export const ROWS: readonly Row[] = [
  row('10.0.1.50', { rate: 1234.4, moves: 1 }),
  row('10.0.1.51', { state: 'unheld', holder: null, rate: null }),
  row('fd00:1::50', { rate: 3.25 }),
];

export const DAEMON: DaemonStatus = {
  ...{ pid: 4711, version: '0.1.0', startedWallNs: NOW_NS - 90_000n * SECOND_NS, abi: 1, pinPath: '/pins' },
  metricsAddress: null,
  webAddress: null,
  ports: [
    { ...{ slot: 1, name: 'tap-a', bridge: 'br', kind: 'vnic', hook: 'tc' }, ...up() },
    { ...{ slot: 2, name: 'eth1', bridge: 'br', kind: 'uplink', hook: 'xdp' }, ...up(), up: false },
  ],
  ...{ absent: [], conflicts: [], config: null, capacity: { havips: 4096, ports: 1024 } },
};

function up(): { up: boolean; takesXdp: boolean; failure: null } {
  return { up: true, takesXdp: true, failure: null };
}

export function event(seq: number, change: Partial<EventRecord> = {}): EventRecord {
  return {
    ...{ seq, kind: 'move', timeNs: 1n, wallNs: NOW_NS - 10n * SECOND_NS, network: 'blue', subnet: 'web' },
    ...{ address: '10.0.1.50', from: { port: 'tap-b', mac: '' }, to: { port: 'tap-a', mac: '' } },
    ...{ reason: 'arp-request', count: 1, repointNs: 2_300n },
    ...change,
  };
}

export function look(rows: readonly Row[] = ROWS, change: Partial<Look> = {}): Look {
  const states = { 'split-brain': 0, flapping: 0, unheld: 0, held: 0 };
  for (const { state } of rows) states[state] += 1;
  const counts = { listed: rows.length, matching: rows.length, states };
  return { rows, ...counts, daemon: DAEMON, atMs: NOW_MS, everyMs: 1_000, ...change };
}

export function watched(size: Size = { columns: 80, rows: 24 }, change: Partial<Look> = {}): WatchState {
  const seen = told(initialState(size), { type: 'look', look: look(ROWS, change) });
  return told(seen, { type: 'events', events: [event(1), event(2, REFUSED)], lost: 0n });
}

const REFUSED: Partial<EventRecord> = {
  ...{ kind: 'refuse', from: null, to: { port: 'tap-c', mac: '' }, reason: 'not-member' },
  ...{ count: 17, repointNs: null },
};

/** Keys by name; a single character types itself. */
export const press = (state: WatchState, ...names: string[]): WatchState =>
  names.reduce((before, name) => pressed(before, keyOf(name), NOW_MS), state);

const keyOf = (name: string): { name: string; text: string } => ({
  name,
  text: name.length === 1 ? name : name === 'space' ? ' ' : '',
});

/** The screen as text. */
export const screen = (state: WatchState, nowMs = NOW_MS): string[] =>
  frame(state, nowMs).map((line) => lineText(line, false));
