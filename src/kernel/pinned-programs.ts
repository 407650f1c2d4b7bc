// SPDX-License-Identifier: BSD-2-Clause
// The programs that we have pinned as attached, as the kernel has them now; read without touching them.
import { join } from 'node:path';
import { closeFd, linkInfo, openPin, programInfo, tcQuery } from '../native/index.js';
import { direction, FILTER_HANDLE, FILTER_PRIORITY, parseName, type Hook } from './attachments.js';
import { linksFolder, names } from './pins.js';

export interface PinnedProgram {
  /** Below the pin folder's `links`. */
  readonly file: string;
  readonly hook: Hook;
  /** Where it was attached. */
  readonly ifindex: number;
  readonly programId: number;
  /** 0: a filter of clsact. */
  readonly linkId: number;
  /** Whether it is attached there still. */
  readonly attached: boolean;
}

/** Errors: PERMISSION without CAP_BPF and access to the folder. */
export function pinnedPrograms(pinPath: string): PinnedProgram[] {
  const folder = linksFolder(pinPath);
  return names(folder).flatMap((file) => {
    const name = parseName(file);
    if (!name) return [];
    const { ifindex, hook } = name;
    const fd = openPin(join(folder, file));
    try {
      return { file, hook, ifindex, ...(name.clsact ? filterState(fd, ifindex, hook) : linkState(fd)) };
    } finally {
      closeFd(fd);
    }
  });
}

type Attachment = Pick<PinnedProgram, 'programId' | 'linkId' | 'attached'>;

function linkState(fd: number): Attachment {
  const { id, programId, ifindex } = linkInfo(fd);
  return { programId, linkId: id, attached: ifindex !== 0 };
}

/** A filter's pin is its program. */
function filterState(fd: number, ifindex: number, hook: Hook): Attachment {
  const programId = programInfo(fd).id;
  const present = tcQuery(ifindex, direction(hook), FILTER_HANDLE, FILTER_PRIORITY);
  return { programId, linkId: 0, attached: present === programId };
}
