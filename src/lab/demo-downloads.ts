// SPDX-License-Identifier: BSD-2-Clause
// The download that is under way when its server dies. TCP cannot survive that, whoever has the address next: the
// demo says when and how it broke.
import { type Lab } from './lab.js';
import { VIP } from './topology.js';

const BYTES = 64 << 20;
/** Slow enough to be under way for as long as any failover takes. */
const BYTES_PER_SECOND = 512 << 10;

export interface BrokenDownload {
  readonly bytes: number;
  readonly wanted: number;
  /** null: it had not ended when it was given up. */
  readonly endedNs: bigint | null;
  /** What curl says of it; empty when it came through. */
  readonly error: string;
}

/** What it returns ends it, after a while in which it may notice by itself. */
export function startSlowDownload(lab: Lab, client: string): () => Promise<BrokenDownload> {
  const url = `http://${VIP}:8080/${BYTES}?rate=${BYTES_PER_SECOND}`;
  // Who only receives learns of the loss by a keep-alive probe, which the new holder resets.
  const argv = ['curl', '-sS', '-o', '/dev/null', '--keepalive-time', '1', '-w', '%{size_download}', url];
  const child = lab.spawn(client, argv);
  let endedNs: bigint | null = null;
  void child.exited.then(() => (endedNs = process.hrtime.bigint()));
  return async () => {
    const timer = setTimeout(() => child.kill('SIGTERM'), 4000);
    const { stdout, stderr, code } = await child.finished();
    clearTimeout(timer);
    return {
      bytes: Number(stdout) || 0,
      wanted: BYTES,
      endedNs: code === -1 ? null : endedNs,
      error: stderr.trim() || (code === 0 ? '' : 'it hung'),
    };
  };
}
