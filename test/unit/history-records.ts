// SPDX-License-Identifier: BSD-2-Clause
// Events for tests of the history, and a folder to keep them in.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { encodeHeader } from '../../src/history/records.js';
import { HISTORY_LIMITS, type HistoryLimits } from '../../src/history/writer.js';
import type { EventRecord } from '../../src/observe/messages.js';

/** 2026-11-25T03:00:00Z */
export const THREE_NS = 1_795_575_600_000_000_000n;
const SECOND_NS = 1_000_000_000n;

/** One a second from three o'clock on. */
export function event(seq: number, differences: Partial<EventRecord> = {}): EventRecord {
  return {
    ...{ seq, kind: 'move', timeNs: 2n ** 53n + BigInt(seq), wallNs: THREE_NS + BigInt(seq) * SECOND_NS },
    ...{ network: 'blue', subnet: 'web', address: '10.0.1.50' },
    from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
    to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
    ...{ reason: 'arp-request', count: 1, repointNs: seq % 2 ? null : 2n ** 40n },
    ...differences,
  };
}

export const range = (from: number, to: number): EventRecord[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => event(from + i));

export const header = (differences: { format?: number; wallNs?: bigint } = {}): Buffer =>
  encodeHeader({
    ...{ format: 1, version: '0.1.0', host: 'hv', daemonStartedWallNs: 5n, wallNs: 6n },
    ...{ monotonicToWallNs: 7n, bootId: 'b' },
    ...differences,
  });

/** Gone when the test ends. */
export function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'havip-history-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Segments of a few events, and no waiting. */
export const SMALL: HistoryLimits = {
  ...HISTORY_LIMITS,
  ...{ segmentBytes: 2000, segments: 4, syncMs: 5, retryFirstMs: 5, retryLastMs: 20 },
};
