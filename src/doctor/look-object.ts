// SPDX-License-Identifier: BSD-2-Clause
// Looks at the programs of this installation: the verifier takes most of a second of CPU for them, so that it is asked
// in the background while everything else is looked at.
import { HavipError } from '../errors.js';
import type { Hook } from '../kernel/attachments.js';
import { FastPath, missingObject, PROGRAMS } from '../kernel/fast-path.js';
import { closeFd, programInfo } from '../native/index.js';
import type { ObjectSight } from './sight.js';

/** Loads and lets go: the verifier of this very kernel has the last word. Errors: PERMISSION. */
export async function lookAtObject(): Promise<ObjectSight> {
  const seen = { missing: missingObject(), refused: null, tags: new Map<Hook, string>() };
  if (seen.missing !== null) return seen;
  const object = new FastPath();
  try {
    await object.loadInBackground();
    return { ...seen, tags: tagsOf(object) };
  } catch (error) {
    const { code, message } = HavipError.from(error);
    if (code === 'PERMISSION') throw error;
    return { ...seen, refused: message };
  } finally {
    object.close();
  }
}

function tagsOf(object: FastPath): Map<Hook, string> {
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
