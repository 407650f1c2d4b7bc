// SPDX-License-Identifier: BSD-2-Clause
// Programs on the ports: ours, whether they are there and are the right ones; and those of others, with what they can
// do to ours.
import type { WantedPort } from '../control/plan.js';
import { fail, ok, some, warn, word, type Verdict } from './finding.js';
import { nameOf } from './names.js';
import type { Attached, Sight } from './sight.js';

const RESTART = 'systemctl restart havip   # or end havip run and start it again: traffic is not disturbed';

/** A pin whose program is attached no more: its device has gone, or somebody took the program off. */
export function ourLinks({
  programs,
  network,
  daemon,
}: Pick<Sight, 'programs' | 'network' | 'daemon'>): Verdict[] {
  const { pinned } = programs;
  if (pinned.length === 0) return [];
  const off = pinned.filter(({ attached }) => !attached);
  if (off.length === 0) return [ok('ours', `${pinned.length} attached`)];
  const [torn, defunct] = partition(off, ({ ifindex }) => network.plan.ports.has(ifindex));
  const names = torn.map(({ ifindex, hook }) => `${nameOf(network, ifindex)} (${hook})`);
  const verdicts = [];
  if (torn.length) {
    const detail = `somebody took our program off ${some(names)}: the bridge serves it, announcements there move nothing`;
    verdicts.push(fail('ours', detail, RESTART));
  }
  if (defunct.length) {
    const detail = `pinned programs whose device has gone: ${some(defunct.map(({ file }) => file))}`;
    verdicts.push(
      warn('defunct', detail, daemon.process ? RESTART : 'systemctl start havip   # it forgets them'),
    );
  }
  return verdicts;
}

/** Only a daemon attaches: without one it is said that nobody follows the ports. */
export function servedPorts({
  programs,
  network,
  daemon,
}: Pick<Sight, 'programs' | 'network' | 'daemon'>): Verdict[] {
  if (daemon.process === null) return [];
  const failures = new Map(daemon.status?.ports.map(({ name, failure }) => [name, failure]));
  const pinned = new Set(programs.pinned.map(({ ifindex }) => ifindex));
  return [...network.plan.ports.values()]
    .filter(({ ifindex }) => !pinned.has(ifindex))
    .map(({ name, hook }) => {
      const why = failures.get(name) ?? 'no program of ours is attached';
      const detail = `is not served (${why}): the bridge delivers there, its announcements move nothing`;
      return fail(
        `port ${name}`,
        detail,
        `bpftool net show dev ${word(name)}   # wanted: ${hook}; then havip reload`,
      );
    });
}

/** A program of ours that goes by other maps than those that are pinned follows nobody whom we can see. */
export function ourMaps({
  programs,
  network,
  maps,
}: Pick<Sight, 'programs' | 'network' | 'maps'>): Verdict[] {
  if (maps === null) return [];
  const astray = programs.attached.filter(
    ({ ours, mapIds }) => ours && mapIds !== null && !mapIds.some((id) => maps.ids.has(id)),
  );
  if (astray.length === 0) return [];
  const names = astray.map(({ ifindex }) => nameOf(network, ifindex));
  return [fail('maps', `the programs on ${some(names)} go by other maps than those pinned`, RESTART)];
}

export function ourVersion({
  programs,
  network,
  object,
}: Pick<Sight, 'programs' | 'network' | 'object'>): Verdict[] {
  const tags = new Set(object.tags.values());
  if (tags.size === 0) return [];
  const older = programs.attached.filter(({ ours, tag }) => ours && tag !== '' && !tags.has(tag));
  if (older.length === 0) return [];
  const names = older.map(({ ifindex }) => nameOf(network, ifindex));
  return [warn('build', `other programs than those installed serve ${some(names)}`, RESTART)];
}

/** Named one by one: which it is decides whether it matters. */
export function otherPrograms({ programs, network }: Pick<Sight, 'programs' | 'network'>): Verdict[] {
  const foreign = programs.attached.filter(({ ours }) => !ours);
  const watched = foreign.filter(({ ifindex }) => network.plan.ports.has(ifindex));
  if (watched.length === 0) return [ok('others', 'none on the ports')];
  return watched.map((one) => {
    const port = network.plan.ports.get(one.ifindex);
    const name = nameOf(network, one.ifindex);
    const before = runsBefore(one, programs.attached);
    const detail = `${describe(one)}, ${consequence(one, before, port)}`;
    return warn(`other on ${name}`, detail, cureOf(one, name));
  });
}

function describe({ place, how, programId, name, tag }: Attached): string {
  if (programId === 0) return `${place}: ${how}`;
  return `${place}: ${how}, program ${programId} ${name || '(unnamed)'} tag ${tag || 'unknown'}`;
}

/** XDP before tc; among those at one place the order of the list. */
function runsBefore(one: Attached, attached: readonly Attached[]): boolean {
  const ours = attached.find(({ ours: own, ifindex }) => own && ifindex === one.ifindex);
  if (!ours) return true;
  if (one.place === ours.place) return attached.indexOf(one) < attached.indexOf(ours);
  return one.place === 'xdp';
}

function consequence({ place }: Attached, before: boolean, port: WantedPort | undefined): string {
  const oursIsEgress = port?.hook === 'tc-egress';
  if ((place === 'egress') !== oursIsEgress) {
    return place === 'egress'
      ? 'on what leaves here: redirected frames may go around it (bpf_redirect_peer and XDP do), others it can drop'
      : 'on what comes in from the bridge: not in the way of what the host sends';
  }
  return before
    ? 'before ours: what it drops or redirects, announcements included, havip never sees'
    : 'after ours: it does not see what havip redirects; what it drops of the rest (VRRP, ARP) others never hear';
}

function cureOf({ place, how, programId }: Attached, name: string): string {
  const show = programId === 0 ? '' : `bpftool prog show id ${programId}; `;
  if (how.startsWith('clsact'))
    return `${show}tc filter show dev ${word(name)} ${place}   # keep it if it is meant to be`;
  return `${show}bpftool net show dev ${word(name)}   # keep it if it is meant to be`;
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
