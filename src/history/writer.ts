// SPDX-License-Identifier: BSD-2-Clause
// Appends records to the state folder without ever being waited for. A folder that cannot be written costs the history
// on disk and nothing else: records wait in memory, it is tried again, and what found no room is counted.
//
// What a crash costs: of the daemon, what was not handed to the kernel yet (milliseconds); of the machine, at most
// what the last SYNC_MS brought.
import { HavipError } from '../errors.js';
import { lockStateFolder } from './lock.js';
import { prepareFolder } from './segments.js';
import { SegmentFile, type RollBack, type SegmentLimits } from './segment-file.js';

export interface HistoryLimits extends SegmentLimits {
  /** Room in memory for what waits for a folder that cannot be written. */
  readonly pendingBytes: number;
  /** At most one fdatasync in this time. */
  readonly syncMs: number;
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
}

/**
 * 128 MiB in all, about a million events: months of an ordinary host, hours of one where every second 30 refusals are
 * told. A segment is read whole (8 MiB: 30 ms), and dropped whole.
 */
export const HISTORY_LIMITS: HistoryLimits = {
  segmentBytes: 8 << 20,
  segments: 16,
  pendingBytes: 1 << 20,
  syncMs: 1000,
  retryFirstMs: 1000,
  retryLastMs: 60_000,
};

export interface HistoryHealth {
  /** The state folder. */
  readonly path: string;
  /** What failed last, with its cure; null: it is written. */
  readonly failure: string | null;
  /** Records that are in no file, since the daemon's start. */
  readonly lost: number;
}

export interface WriterOptions {
  readonly folder: string;
  /** The first record of a segment, and of what this daemon adds to one. */
  readonly header: () => Buffer;
  /** It cannot be written any more, or again. For the log. */
  readonly onChange: (health: HistoryHealth) => void;
  readonly limits?: HistoryLimits;
}

export class HistoryWriter {
  private readonly limits: HistoryLimits;
  private file: SegmentFile | null = null;
  private unlock: () => void = () => undefined;
  private queue: Buffer[] = [];
  private queuedBytes = 0;
  private rollBack: RollBack | null = null;
  private failure: string | null = null;
  private lost = 0;
  private retryMs: number;
  private retryTimer: NodeJS.Timeout | null = null;
  private syncTimer: NodeJS.Timeout | null = null;
  private syncDue = false;
  private busy = false;
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly options: WriterOptions) {
    this.limits = options.limits ?? HISTORY_LIMITS;
    this.retryMs = this.limits.retryFirstMs;
  }

  /** Never throws. @returns How many bytes of a record that was cut by a crash were taken away. */
  open(): number {
    try {
      this.reopen();
      return this.file?.cutBytes ?? 0;
    } catch (thrown) {
      this.fail(thrown);
      return 0;
    }
  }

  get health(): HistoryHealth {
    return { path: this.options.folder, failure: this.failure, lost: this.lost };
  }

  /** Returns at once. Shape: framed records. */
  append(records: readonly Buffer[]): void {
    this.queue.push(...records);
    this.queuedBytes += sizeOf(records);
    this.dropOldest();
    this.kick();
  }

  /** Records that never came here. */
  countLost(records: number): void {
    this.lost += records;
  }

  /** Writes what waits, as far as the folder takes it, and has it on disk. Harmless twice. */
  async stop(): Promise<void> {
    for (const timer of [this.retryTimer, this.syncTimer]) if (timer) clearTimeout(timer);
    await this.working;
    this.syncDue = this.file !== null;
    this.kick();
    await this.working;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.file?.close();
    this.file = null;
    this.letGo();
  }

  private letGo(): void {
    const { unlock } = this;
    this.unlock = () => undefined;
    unlock();
  }

  private reopen(): void {
    const { folder, header } = this.options;
    prepareFolder(folder);
    this.letGo();
    this.unlock = lockStateFolder(folder);
    this.file = SegmentFile.open(folder, this.limits, header, this.rollBack);
    this.rollBack = null;
  }

  private kick(): void {
    if (!this.busy && this.file) this.working = this.work(this.file);
  }

  private async work(file: SegmentFile): Promise<void> {
    this.busy = true;
    try {
      while (this.syncDue || this.queue.length > 0) {
        if (this.syncDue) await this.sync(file);
        else await this.writeQueue(file);
      }
      this.succeeded();
    } catch (thrown) {
      this.fail(thrown);
    } finally {
      this.busy = false;
    }
  }

  /** All that came since the last write, in one. */
  private async writeQueue(file: SegmentFile): Promise<void> {
    const batch = this.queue;
    this.queue = [];
    this.queuedBytes = 0;
    try {
      await file.write(batch);
    } catch (thrown) {
      this.rollBack = file.at;
      this.queue.unshift(...batch);
      this.queuedBytes += sizeOf(batch);
      throw thrown;
    }
    this.syncTimer ??= setTimeout(() => this.onSyncTimer(), this.limits.syncMs);
  }

  private onSyncTimer(): void {
    this.syncTimer = null;
    this.syncDue = true;
    this.kick();
  }

  private async sync(file: SegmentFile): Promise<void> {
    this.syncDue = false;
    await file.sync();
  }

  private succeeded(): void {
    this.retryMs = this.limits.retryFirstMs;
    if (this.failure === null) return;
    this.failure = null;
    this.options.onChange(this.health);
  }

  private fail(thrown: unknown): void {
    this.file?.close();
    this.file = null;
    this.dropOldest();
    const { message, cure } = HavipError.from(thrown);
    const isNews = this.failure === null;
    this.failure = cure ? `${message}; ${cure}` : message;
    if (isNews) this.options.onChange(this.health);
    this.retryTimer = setTimeout(() => this.retry(), this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, this.limits.retryLastMs);
  }

  private retry(): void {
    try {
      this.reopen();
      this.kick();
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private dropOldest(): void {
    while (this.queuedBytes > this.limits.pendingBytes) {
      this.queuedBytes -= this.queue.shift()?.length ?? this.queuedBytes;
      this.lost += 1;
    }
  }
}

const sizeOf = (records: readonly Buffer[]): number => records.reduce((sum, { length }) => sum + length, 0);
