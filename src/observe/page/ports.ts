// SPDX-License-Identifier: BSD-2-Clause
// The ports as the page shows them: their health, what was refused and dropped there, and when that last rose.
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES, isRefusal, REASONS } from '../../kernel/names.js';
import type { PortRecord } from '../messages.js';
import type { PagePort, PortsPart } from './types.js';
import { toMs, type PageView } from './view.js';

/** About 40 KB of JSON; those with something wrong come first. */
export const PORTS_SHOWN = 200;

const DROPS = REASONS.flatMap(({ verdict }, index) => (verdict === 'drop' ? [index] : []));
const REFUSALS = CLAIM_KIND_NAMES.flatMap((_, kind) =>
  CLAIM_RESULT_NAMES.flatMap((_, result) =>
    isRefusal(result) ? [kind * CLAIM_RESULT_NAMES.length + result] : [],
  ),
);

interface Seen {
  readonly refused: bigint;
  readonly dropped: bigint;
  readonly refusedMs: number | null;
  readonly droppedMs: number | null;
}

export class PortWatch {
  private seen = new Map<string, Seen>();

  constructor(private readonly view: PageView) {}

  look(nowMs: number): PortsPart {
    const { ports } = this.view.daemon();
    const lastRefusals = this.refusalTimes();
    const seen = new Map(ports.map((port) => [port.name, this.count(port, nowMs, lastRefusals)]));
    this.seen = seen;
    const all = ports.map((port) => toPagePort(port, seen.get(port.name) as Seen)).sort(worstFirst);
    return { ports: all.slice(0, PORTS_SHOWN), total: all.length, unwell: all.filter(isUnwell).length };
  }

  private count({ name, slot }: PortRecord, nowMs: number, refusals: ReadonlyMap<string, number>): Seen {
    const before = this.seen.get(name);
    const refused = sumAt(this.view.claimCounters(slot), REFUSALS);
    const dropped = sumAt(this.view.portCounters(slot), DROPS);
    const rose = (was: bigint | undefined, is: bigint): boolean => was !== undefined && is > was;
    return {
      ...{ refused, dropped },
      refusedMs: rose(before?.refused, refused) ? nowMs : (before?.refusedMs ?? refusals.get(name) ?? null),
      droppedMs: rose(before?.dropped, dropped) ? nowMs : (before?.droppedMs ?? null),
    };
  }

  /** From the events: the counters do not say when. */
  private refusalTimes(): Map<string, number> {
    const times = new Map<string, number>();
    for (const { kind, to, wallNs } of this.view.history.events) {
      if (kind === 'refuse' && to) times.set(to.port, toMs(wallNs));
    }
    return times;
  }
}

const sumAt = (values: readonly bigint[], indices: readonly number[]): bigint =>
  indices.reduce((sum, index) => sum + (values[index] ?? 0n), 0n);

const isUnwell = ({ up, failure }: PagePort): boolean => !up || failure !== null;

function toPagePort(record: PortRecord, { refused, dropped, ...times }: Seen): PagePort {
  const { name, bridge, kind, hook, up, takesXdp, failure } = record;
  const port = { name, bridge, kind, hook, up, takesXdp, failure };
  return { ...port, refused: String(refused), dropped: String(dropped), ...times };
}

function worstFirst(a: PagePort, b: PagePort): number {
  const refusing = (port: PagePort): boolean => port.refused !== '0' || port.dropped !== '0';
  return (
    Number(isUnwell(b)) - Number(isUnwell(a)) ||
    Number(refusing(b)) - Number(refusing(a)) ||
    (a.name < b.name ? -1 : 1)
  );
}
