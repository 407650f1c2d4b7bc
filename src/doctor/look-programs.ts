// SPDX-License-Identifier: BSD-2-Clause
// Looks at every program on the ports, ours and others', in the order in which a packet meets them.
import { pinnedPrograms, type PinnedProgram } from '../kernel/pinned-programs.js';
import {
  closeFd,
  isNativeError,
  linkFdById,
  linkIds,
  linkInfo,
  programFdById,
  programInfo,
  tcxQuery,
  type Direction,
  type LinkInfo,
} from '../native/index.js';
import type { Device } from '../net/devices.js';
import { devicesWithClsact, listFilters, type Filter } from '../net/filters.js';
import type { Attached, ProgramsSight } from './sight.js';

export interface ProgramsPlace {
  readonly pinPath: string;
  readonly devices: ReadonlyMap<number, Device>;
  /** ifindexes. */
  readonly ports: Iterable<number>;
  readonly tcx: boolean;
}

type Known = Pick<Attached, 'name' | 'tag' | 'mapIds'>;

/** Errors: PERMISSION. */
export async function lookAtPrograms({
  pinPath,
  devices,
  ports,
  tcx,
}: ProgramsPlace): Promise<ProgramsSight> {
  const pinned = pinnedPrograms(pinPath);
  const wanted = new Set([...ports, ...pinned.map(({ ifindex }) => ifindex)]);
  const clsact = await devicesWithClsact();
  const look = new Look(pinned);
  const attached: Attached[] = [];
  for (const ifindex of wanted) {
    const device = devices.get(ifindex);
    if (!device) continue;
    attached.push(...look.xdp(device));
    if (tcx) attached.push(...look.tcx(ifindex, 'ingress'), ...look.tcx(ifindex, 'egress'));
    if (clsact.has(ifindex)) attached.push(...look.filters(ifindex, await listFilters(ifindex)));
  }
  return { pinned, attached };
}

/** One look at all devices; what is known of a program or link is asked once. */
class Look {
  private readonly programs = new Map<number, Known>();
  private links: readonly LinkInfo[] | null = null;

  constructor(private readonly pinned: readonly PinnedProgram[]) {}

  xdp({ link: { ifindex }, xdp }: Device): Attached[] {
    return xdp.map(({ mode, programId }) => {
      const ours = this.pinned.some(
        (one) => one.ifindex === ifindex && one.attached && one.programId === programId,
      );
      const how = `xdp ${ours || this.hasXdpLink(ifindex, programId) ? 'link' : 'netlink'}, ${mode}`;
      return { ifindex, place: 'xdp', how, programId, ours, ...this.known(programId) };
    });
  }

  tcx(ifindex: number, place: Direction): Attached[] {
    return this.tcxPrograms(ifindex, place).map(({ programId, linkId }) => {
      const ours = linkId !== 0 && this.pinned.some((one) => one.linkId === linkId);
      const how = linkId === 0 ? 'tcx, without a link' : `tcx link ${linkId}`;
      return { ifindex, place, how, programId, ours, ...this.known(programId) };
    });
  }

  filters(ifindex: number, filters: readonly Filter[]): Attached[] {
    return filters.map(({ direction, kind, handle, priority, programId }) => {
      const isOurs = ({ linkId, ...one }: PinnedProgram): boolean =>
        linkId === 0 && one.ifindex === ifindex && one.programId === programId;
      return {
        ifindex,
        place: direction,
        how: `clsact ${kind} filter, pref ${priority} handle 0x${handle.toString(16)}`,
        programId,
        ours: programId !== 0 && this.pinned.some(isOurs),
        ...this.known(programId),
      };
    });
  }

  /** The device may go while we look. */
  private tcxPrograms(ifindex: number, place: Direction): ReturnType<typeof tcxQuery> {
    try {
      return tcxQuery(ifindex, place);
    } catch (error) {
      if (isNativeError(error) && error.code === 'ENODEV') return [];
      throw error;
    }
  }

  private known(programId: number): Known {
    const known = this.programs.get(programId) ?? describe(programId);
    this.programs.set(programId, known);
    return known;
  }

  /** Asked only where somebody else's XDP program is: a host may have thousands of links. */
  private hasXdpLink(ifindex: number, programId: number): boolean {
    this.links ??= allLinks();
    return this.links.some(
      (one) => one.kind === 'xdp' && one.ifindex === ifindex && one.programId === programId,
    );
  }
}

const UNKNOWN: Known = { name: '', tag: '', mapIds: null };

/** Nothing where it has gone, or may not be seen (that takes CAP_SYS_ADMIN). */
function describe(programId: number): Known {
  if (programId === 0) return UNKNOWN;
  const fd = quietly(() => programFdById(programId));
  if (fd === null) return UNKNOWN;
  try {
    return programInfo(fd);
  } finally {
    closeFd(fd);
  }
}

function allLinks(): LinkInfo[] {
  return (quietly(linkIds) ?? []).flatMap((id) => {
    const fd = quietly(() => linkFdById(id));
    if (fd === null) return [];
    try {
      return [linkInfo(fd)];
    } finally {
      closeFd(fd);
    }
  });
}

function quietly<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (isNativeError(error)) return null;
    throw error;
  }
}
