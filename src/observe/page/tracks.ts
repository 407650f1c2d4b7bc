// SPDX-License-Identifier: BSD-2-Clause
// Rates of the last minutes for the charts: of the busiest HAVIPs and the chosen ones, not of all 100,000. Pure.
import type { ChartsPart } from './types.js';

/** Three minutes at one a second. */
export const SAMPLES_KEPT = 180;
/** A HAVIP that was among the busiest, or chosen, is followed until so many others were later. */
const TRACKS_KEPT = 64;
/** Lines a chart: more cannot be told apart. */
export const BUSIEST_SHOWN = 4;

interface Track {
  readonly address: string;
  /** Shape: as many as times. */
  readonly values: (number | null)[];
}

export interface Rated {
  readonly key: string;
  readonly address: string;
  readonly rate: number | null;
}

export class Tracks {
  private readonly timesMs: number[] = [];
  /** What was wanted last is last. */
  private readonly tracks = new Map<string, Track>();
  private busiest: readonly string[] = [];

  /** @param find A HAVIP by its key. @param chosen Keys that pages ask for. */
  add(
    nowMs: number,
    rows: Iterable<Rated>,
    find: (key: string) => Rated | undefined,
    chosen: Iterable<string>,
  ): void {
    const busy = busiestOf(rows);
    this.busiest = busy.map(({ key }) => key);
    for (const row of [...busy, ...[...chosen].map(find)]) if (row) this.want(row);
    this.timesMs.push(nowMs);
    for (const [key, { values }] of this.tracks) values.push(find(key)?.rate ?? null);
    this.trim();
  }

  /** The chosen one first, then the busiest. */
  charts(chosen: string): ChartsPart {
    const keys = new Set([...(chosen === '' ? [] : [chosen]), ...this.busiest]);
    const series = [...keys].flatMap((key) => {
      const track = this.tracks.get(key);
      return track ? [{ key, address: track.address, values: track.values }] : [];
    });
    return { timesMs: this.timesMs, series };
  }

  /** After a pause: a line across it would be a lie. */
  clear(): void {
    this.timesMs.length = 0;
    this.tracks.clear();
  }

  private want({ key, address }: Rated): void {
    const unknown = (): Track => ({ address, values: this.timesMs.map(() => null) });
    const track = this.tracks.get(key) ?? unknown();
    this.tracks.delete(key);
    this.tracks.set(key, track);
  }

  private trim(): void {
    if (this.timesMs.length > SAMPLES_KEPT) {
      this.timesMs.shift();
      for (const { values } of this.tracks.values()) values.shift();
    }
    for (const key of this.tracks.keys()) {
      if (this.tracks.size <= TRACKS_KEPT) return;
      this.tracks.delete(key);
    }
  }
}

/** Most packets a second first; without those that carry nothing. */
function busiestOf(rows: Iterable<Rated>): Rated[] {
  const found: Rated[] = [];
  for (const row of rows) {
    const rate = row.rate ?? 0;
    if (rate <= (found[BUSIEST_SHOWN - 1]?.rate ?? 0)) continue;
    const at = found.findIndex((one) => (one.rate ?? 0) < rate);
    found.splice(at < 0 ? found.length : at, 0, row);
    found.length = Math.min(found.length, BUSIEST_SHOWN);
  }
  return found;
}
