// SPDX-License-Identifier: BSD-2-Clause
// Follows each move until its story is told: reads what the programs have seen of both holders, at once for what the old
// one leaves behind, then again until the new one has answered somebody.
import { assess, type Facts } from '../holders/assess.js';
import type { Stamps } from '../holders/dossier.js';
import type { Advert, Tenure } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import type { DossierMemory } from './dossiers.js';
import type { EventRecord, MoveRecord } from './messages.js';

type Maps = Pick<Tables, 'sightings' | 'adverts' | 'speakers'>;

/** After the move; what has not been seen by the last one is not waited for. */
const LOOKS_MS = [0, 10, 30, 100, 300, 1000, 2000, 4000, 7000, 10_000];
/** The step from which the new master's first advert is there too. */
const SETTLED = 3;
/** A claimant that waited so long did so for its move budget. */
const HELD_BACK_NS = 50_000_000n;
/** Older signs belong to another failover. */
const SIGN_NS = 10_000_000_000n;
/** HAVIPs whose last release is remembered. */
const RELEASES_KEPT = 100_000;

interface Release {
  readonly atNs: bigint;
  readonly reason: string;
}

export class MoveWatch {
  private readonly releases = new Map<string, Release>();
  /** The move that each HAVIP is followed in; a next one ends it. */
  private readonly open = new Map<number, Open>();

  constructor(
    private readonly maps: Maps,
    private readonly memory: Pick<DossierMemory, 'put'>,
    private readonly looksMs: readonly number[] = LOOKS_MS,
  ) {}

  /** @param moves Those among the events. */
  begin(events: readonly EventRecord[], moves: readonly MoveRecord[]): void {
    const byId = new Map(moves.map((move) => [move.id, move]));
    for (const event of events) {
      if (event.kind === 'release') this.remember(event);
      const move = byId.get(event.seq);
      if (move) this.follow(event, move);
    }
  }

  /** What is open is told as far as it was seen. */
  stop(): void {
    for (const havip of [...this.open.keys()]) this.end(havip);
  }

  private end(havip: number): void {
    const open = this.open.get(havip);
    if (!open) return;
    clearTimeout(open.timer);
    this.open.delete(havip);
    this.memory.put(assess(open.facts, true));
  }

  private remember(event: EventRecord): void {
    const key = keyOf(event);
    this.releases.delete(key);
    this.releases.set(key, { atNs: event.timeNs, reason: event.reason });
    if (this.releases.size <= RELEASES_KEPT) return;
    const [oldest] = this.releases.keys();
    if (oldest !== undefined) this.releases.delete(oldest);
  }

  private follow(event: EventRecord, move: MoveRecord): void {
    const key = keyOf(event);
    const release = this.releases.get(key) ?? null;
    this.releases.delete(key);
    this.end(move.havip);
    this.look(event, move, this.oldSide(move, release), 0);
  }

  private look(event: EventRecord, move: MoveRecord, old: OldSide, step: number): void {
    const facts = this.factsOf(event, move, old);
    const nextMs = this.looksMs[step + 1];
    const complete = nextMs === undefined || (facts.stamps.firstFromNewNs !== null && step >= SETTLED);
    this.memory.put(assess(facts, complete));
    if (complete) return void this.open.delete(move.havip);
    const waitMs = nextMs - (this.looksMs[step] ?? 0);
    const timer = setTimeout(() => this.look(event, move, old, step + 1), waitMs);
    this.open.set(move.havip, { timer, facts });
  }

  /** What does not change any more. */
  private oldSide({ havip, fromSlot, sinceNs }: MoveRecord, release: Release | null): OldSide {
    const tenure = this.tenureBefore(havip, sinceNs);
    const advert = fromSlot ? this.maps.adverts.get({ havip, port: fromSlot }) : undefined;
    return { tenure, advert, release };
  }

  private factsOf(event: EventRecord, move: MoveRecord, old: OldSide): Facts {
    const { network, subnet, address, from, to, reason, wallNs } = event;
    const { havip, toSlot, sinceNs, writtenNs } = move;
    const key = { havip, port: toSlot };
    const now = this.tenures(havip).find((tenure) => tenure.sinceNs === sinceNs);
    const fresh = this.maps.adverts.get(key);
    const firstToNewNs = seen(now?.firstToNs);
    const sign = firstSign(fresh, this.maps.speakers.get(key)?.probedNs ?? 0n, sinceNs);
    const stamps: Stamps = {
      ...oldStamps(old, sinceNs),
      firstSignNs: sign,
      announcedNs: sinceNs,
      writtenNs: earlier(writtenNs, firstToNewNs),
      firstToNewNs,
      firstFromNewNs: seen(now?.firstFromNs),
    };
    return {
      ...{ id: move.id, network, subnet, address, from, to: to ?? NOBODY, reason },
      releaseReason: old.release?.reason ?? '',
      announcedWallNs: wallNs,
      stamps,
      vrrp: vrrpOf(old.advert, fresh, stamps),
      vrrpVersion: old.advert?.version ?? 0,
      missed: old.tenure?.missed ?? 0n,
      heldBack: writtenNs !== null && writtenNs - sinceNs > HELD_BACK_NS,
    };
  }

  private tenures(havip: number): Tenure[] {
    const row = this.maps.sightings.get(havip);
    return row ? [row.one, row.other] : [];
  }

  /** The newest that began before; of two moves in a row that nobody looked between, the first one's is gone. */
  private tenureBefore(havip: number, sinceNs: bigint): Tenure | undefined {
    const before = this.tenures(havip).filter((tenure) => tenure.sinceNs && tenure.sinceNs < sinceNs);
    return before.sort((a, b) => (a.sinceNs < b.sinceNs ? 1 : -1))[0];
  }
}

interface Open {
  readonly timer: NodeJS.Timeout;
  /** As of the last look. */
  readonly facts: Facts;
}

interface OldSide {
  readonly tenure: Tenure | undefined;
  readonly advert: Advert | undefined;
  readonly release: Release | null;
}

const NOBODY = { port: '', mac: '' };
const keyOf = ({ network, subnet, address }: EventRecord): string => `${network} ${subnet} ${address}`;
/** Who wrote the binding looks at the clock afterwards, and its event keeps that; a packet may have gone by it before. */
const earlier = (writtenNs: bigint | null, firstToNewNs: bigint | null): bigint | null =>
  writtenNs !== null && firstToNewNs !== null && firstToNewNs < writtenNs ? firstToNewNs : writtenNs;

const seen = (ns: bigint | undefined): bigint | null => ns || null;

/** Of one that is older than the holder's time nothing is said. */
function oldStamps(
  { tenure, advert, release }: OldSide,
  announcedNs: bigint,
): Pick<
  Stamps,
  'lastToOldNs' | 'lastFromOldNs' | 'firstMissedNs' | 'lastAdvertNs' | 'resignedNs' | 'releasedNs'
> {
  const since = (ns: bigint | undefined): bigint | null => (ns && announcedNs - ns < REIGN_NS ? ns : null);
  return {
    lastToOldNs: seen(tenure?.lastToNs),
    lastFromOldNs: seen(tenure?.lastFromNs),
    firstMissedNs: tenure?.missed ? seen(tenure.missedNs) : null,
    lastAdvertNs: since(advert?.masterNs),
    resignedNs: since(advert?.resignedNs),
    releasedNs: release?.atNs ?? null,
  };
}

/** An old master's last word may be that old, with the longest interval that VRRP knows (40.95 s, three times). */
const REIGN_NS = 130_000_000_000n;

/** The first advert of the series that goes on now, or a probe, whichever came first. */
function firstSign(advert: Advert | undefined, probedNs: bigint, announcedNs: bigint): bigint | null {
  const signs = [advert?.firstNs ?? 0n, probedNs].filter(
    (ns) => ns && ns > announcedNs - SIGN_NS && ns <= announcedNs,
  );
  return signs.sort((a, b) => (a < b ? -1 : 1))[0] ?? null;
}

function vrrpOf(old: Advert | undefined, fresh: Advert | undefined, stamps: Stamps): Facts['vrrp'] {
  if (!old || (stamps.lastAdvertNs === null && stamps.resignedNs === null)) return null;
  const newPriority =
    fresh?.masterNs && fresh.masterNs > stamps.announcedNs - SIGN_NS ? Number(fresh.masterPriority) : null;
  return {
    vrid: old.vrid,
    intervalNs: BigInt(old.intervalCs) * NS_PER_CS,
    oldPriority: old.masterNs ? Number(old.masterPriority) : null,
    newPriority,
  };
}

const NS_PER_CS = 10_000_000n;
