// SPDX-License-Identifier: BSD-2-Clause
// Looks at the programs of this installation: the verifier takes most of a second of CPU for them, so that it is asked
// in a thread of its own while everything else is looked at.
import { Worker } from 'node:worker_threads';
import { HavipError, type ErrorCode } from '../errors.js';
import type { Hook, Programs } from '../kernel/attachments.js';
import { OBJECT_PATH } from '../kernel/datapath.js';
import { existing } from '../kernel/pins.js';
import { BpfObject, closeFd, programInfo } from '../native/index.js';
import type { ObjectSight } from './sight.js';

/** What the thread says: classes do not cross. */
export type ObjectMessage =
  { readonly object: ObjectSight } | { readonly code: ErrorCode; readonly message: string };

/** Errors: PERMISSION. */
export async function lookAtObjectInWorker(): Promise<ObjectSight> {
  const worker = new Worker(new URL('./object-worker.js', import.meta.url), { execArgv: [] });
  const said = await new Promise<ObjectMessage>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new HavipError('FAILED', `the verifier's thread ended with ${code}`)),
    );
  });
  if ('object' in said) return said.object;
  throw new HavipError(said.code, said.message);
}

/** Loads and lets go: the verifier of this very kernel has the last word. Errors: PERMISSION. */
export function lookAtObject(): ObjectSight {
  const seen = {
    path: OBJECT_PATH,
    exists: existing(OBJECT_PATH),
    refused: null,
    tags: new Map<Hook, string>(),
  };
  if (!seen.exists) return seen;
  const object = new BpfObject(OBJECT_PATH);
  try {
    object.load();
    return { ...seen, tags: tagsOf(object) };
  } catch (error) {
    const { code, message } = HavipError.from(error);
    if (code === 'PERMISSION') throw error;
    return { ...seen, refused: message };
  } finally {
    object.close();
  }
}

const PROGRAMS: { readonly [H in keyof Programs]: string } = {
  xdp: 'havip_xdp',
  tc: 'havip_ingress',
  'tc-egress': 'havip_egress',
};

function tagsOf(object: BpfObject): Map<Hook, string> {
  return new Map(
    Object.entries(PROGRAMS).map(([hook, name]) => {
      const fd = object.programFd(name);
      try {
        return [hook as Hook, programInfo(fd).tag];
      } finally {
        closeFd(fd);
      }
    }),
  );
}
