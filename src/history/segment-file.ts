// SPDX-License-Identifier: BSD-2-Clause
// The newest segment, open for appending: what a crash cut off is removed first, and a full one makes room for the next.
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fsync,
  ftruncateSync,
  open,
  openSync,
  rmSync,
  write,
} from 'node:fs';
import { promisify } from 'node:util';
import { readable } from './reader.js';
import { FILE_MODE, listSegments, readSegment, segmentAt, type Segment } from './segments.js';

const writeFd = promisify(write);
const fdatasyncFd = promisify(fdatasync);
const fsyncFd = promisify(fsync);
const openPath = promisify(open);
const closeFd = promisify(close);

export interface SegmentLimits {
  readonly segmentBytes: number;
  /** How many are kept. */
  readonly segments: number;
}

/** Where a write that failed had begun: what it left behind is taken back. */
export interface RollBack {
  readonly number: number;
  readonly sizeBytes: number;
}

/** The most that one write brings. More is no cut tail but damage, or another version's file: it stays as it is. */
const MAX_CUT_BYTES = 1 << 20;

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;

export class SegmentFile {
  /** Bytes at its end that were no whole record. */
  readonly cutBytes: number;
  private fd: number;
  private sizeBytes: number;
  private headed = false;
  private isNew: boolean;

  private constructor(
    private readonly folder: string,
    private readonly limits: SegmentLimits,
    private readonly header: () => Buffer,
    private segment: Segment,
    { wholeBytes, lengthBytes }: { wholeBytes: number; lengthBytes: number },
  ) {
    this.fd = openSync(segment.path, APPEND, FILE_MODE);
    this.sizeBytes = wholeBytes;
    this.cutBytes = lengthBytes - wholeBytes;
    this.isNew = lengthBytes === 0;
    if (this.cutBytes > 0) this.truncate();
  }

  /** @param header What goes first, made when it is written. Errors: as the file system's: ENOSPC, EROFS, EACCES. */
  static open(
    folder: string,
    limits: SegmentLimits,
    header: () => Buffer,
    rollBack: RollBack | null = null,
  ): SegmentFile {
    const newest = listSegments(folder).at(-1) ?? segmentAt(folder, 1);
    const bytes = readSegment(newest) ?? Buffer.alloc(0);
    const { wholeBytes } = readable(bytes);
    if (bytes.length - wholeBytes > MAX_CUT_BYTES) {
      const fresh = { wholeBytes: 0, lengthBytes: 0 };
      return new SegmentFile(folder, limits, header, segmentAt(folder, newest.number + 1), fresh);
    }
    const keptBytes = rollBack?.number === newest.number ? rollBack.sizeBytes : Infinity;
    const sizes = { wholeBytes: Math.min(wholeBytes, keptBytes), lengthBytes: bytes.length };
    return new SegmentFile(folder, limits, header, newest, sizes);
  }

  /** Whole or not at all: after an error, open again with `at`. Errors: as `open`. */
  async write(records: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(this.headed ? records : [this.header(), ...records]);
    if (this.sizeBytes > 0 && this.sizeBytes + bytes.length > this.limits.segmentBytes) {
      await this.rotate();
      return this.write(records);
    }
    for (let done = 0; done < bytes.length;) {
      done += (await writeFd(this.fd, bytes, done, bytes.length - done)).bytesWritten;
    }
    this.sizeBytes += bytes.length;
    this.headed = true;
  }

  get at(): RollBack {
    return { number: this.segment.number, sizeBytes: this.sizeBytes };
  }

  /** To the disk; a new file's name too. */
  async sync(): Promise<void> {
    await fdatasyncFd(this.fd);
    if (!this.isNew) return;
    const folderFd = await openPath(this.folder, 'r');
    try {
      await fsyncFd(folderFd);
    } finally {
      await closeFd(folderFd);
    }
    this.isNew = false;
  }

  close(): void {
    closeSync(this.fd);
  }

  private async rotate(): Promise<void> {
    await this.sync();
    const segment = segmentAt(this.folder, this.segment.number + 1);
    const fd = await openPath(segment.path, APPEND, FILE_MODE);
    closeSync(this.fd);
    this.fd = fd;
    this.segment = segment;
    this.sizeBytes = 0;
    this.headed = false;
    this.isNew = true;
    for (const old of listSegments(this.folder).slice(0, -this.limits.segments)) {
      rmSync(old.path, { force: true });
    }
  }

  private truncate(): void {
    try {
      ftruncateSync(this.fd, this.sizeBytes);
    } catch (thrown) {
      closeSync(this.fd);
      throw thrown;
    }
  }
}
