// SPDX-License-Identifier: BSD-2-Clause
// Keeps what happens in the state folder, and brings back at the start what was kept there.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { HavipError } from '../errors.js';
import { readTail } from '../history/reader.js';
import { encodeDossier, encodeEvent, encodeHeader, FORMAT } from '../history/records.js';
import { HistoryWriter, type HistoryHealth, type HistoryLimits } from '../history/writer.js';
import { WallClock } from './clock.js';
import type { DossierMemory } from './dossiers.js';
import { HISTORY_EVENTS, type History } from './history.js';
import type { Logger } from './log.js';
import type { EventRecord, HistoryStart } from './messages.js';

export interface KeeperOptions {
  readonly folder: string;
  readonly version: string;
  readonly startedWallNs: bigint;
  readonly history: History;
  readonly moves: DossierMemory;
  readonly log: Logger;
  readonly limits?: HistoryLimits;
}

export class HistoryKeeper {
  private readonly writer: HistoryWriter;
  private readonly clock = new WallClock();
  private lastSeq = 0;

  constructor(private readonly options: KeeperOptions) {
    const { folder, limits } = options;
    this.writer = new HistoryWriter({
      folder,
      header: () => this.header(),
      onChange: (health) => this.say(health),
      ...(limits && { limits }),
    });
  }

  /** Never throws: without a folder it begins with nothing, and goes on in memory. */
  start(): HistoryStart {
    const { history, moves, folder, log } = this.options;
    const cutBytes = this.writer.open();
    if (cutBytes > 0) log.warn({ path: folder, cutBytes }, 'the end of the history was cut by a crash');
    this.restore();
    this.lastSeq = history.lastSeq;
    history.goesOn = this.lastSeq > 0;
    moves.subscribe((dossier) => {
      if (dossier.complete) this.writer.append([encodeDossier(dossier)]);
    });
    return { lastSeq: this.lastSeq, cutBytes };
  }

  /** What happens now; or what an earlier worker may not have written, of which only the rest is taken. */
  take(events: readonly EventRecord[]): void {
    const news = events.filter(({ seq }) => seq > this.lastSeq);
    const [first] = news;
    if (!first) return;
    this.writer.countLost(first.seq - this.lastSeq - 1);
    this.lastSeq = news.at(-1)?.seq ?? this.lastSeq;
    this.options.history.add(news);
    this.writer.append(news.map(encodeEvent));
  }

  get health(): HistoryHealth {
    return this.writer.health;
  }

  /** Returns when all is on disk that the folder takes. */
  stop(): Promise<void> {
    return this.writer.stop();
  }

  private restore(): void {
    const { history, moves, folder, log } = this.options;
    try {
      const { events, dossiers } = readTail(folder, HISTORY_EVENTS, (damage) => {
        log.warn(damage, 'a part of the history cannot be read');
      });
      history.add(events);
      for (const dossier of dossiers) moves.put(dossier);
    } catch (thrown) {
      log.error({ path: folder, error: HavipError.from(thrown).message }, 'cannot read the history');
    }
  }

  private say({ path, failure, lost }: HistoryHealth): void {
    const { log } = this.options;
    if (failure === null) log.info({ path, lost }, 'the history is written again');
    else log.error({ path, error: failure }, 'the history is kept in memory only');
  }

  private header(): Buffer {
    const { version, startedWallNs } = this.options;
    const monotonicNs = process.hrtime.bigint();
    const wallNs = this.clock.wallNs(monotonicNs);
    return encodeHeader({
      ...{ format: FORMAT, version, host: hostname(), daemonStartedWallNs: startedWallNs },
      ...{ wallNs, monotonicToWallNs: wallNs - monotonicNs, bootId: bootId() },
    });
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
