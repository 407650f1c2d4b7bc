// SPDX-License-Identifier: BSD-2-Clause
// Alarms: how many were raised, how many HAVIPs are in one now, and which those are.
import { head, labels, sample, single } from './exposition.js';
import type { EventKind } from './messages.js';

/** Indices (in the `havips` map) of the HAVIPs in a state of alarm. */
export interface AlarmStates {
  readonly flapping: ReadonlySet<number>;
  readonly split: ReadonlySet<number>;
}

const KINDS: readonly EventKind[] = ['flap', 'split-brain', 'dual-active', 'disagreement'];
/** When a switch dies, everything may flap at once: the counts say so, a series each would say no more. */
const NAMED_HAVIPS = 1000;

const ACTIVE_NAME = 'havip_alarm_active';
const ACTIVE_HELP = `HAVIPs in a state of alarm now, always 1; at most ${NAMED_HAVIPS} are named.`;

export class AlarmSeries {
  private readonly raised = new Map<EventKind, number>(KINDS.map((kind) => [kind, 0]));

  observe(kind: EventKind): void {
    const raised = this.raised.get(kind);
    if (raised !== undefined) this.raised.set(kind, raised + 1);
  }

  text({ flapping, split }: AlarmStates): string {
    const name = 'havip_alarms_total';
    return [
      single('havip_flapping', 'gauge', 'HAVIPs whose move budget is spent.', flapping.size),
      single('havip_split_brain', 'gauge', 'HAVIPs for which two guests speak.', split.size),
      head(name, 'counter', "Alarms raised since the daemon's start."),
      ...[...this.raised].map(([kind, count]) => sample(name, labels({ kind }), count)),
    ].join('');
  }

  /**
   * Named only while it lasts, so that a HAVIP without an alarm costs no series.
   * @param labelText Of one HAVIP by its index, as in havip-series.ts: open for more labels.
   */
  activeText({ flapping, split }: AlarmStates, labelText: (havip: number) => string | undefined): string {
    const active = [
      ...[...split].map((havip) => ({ havip, alarm: 'split-brain' })),
      ...[...flapping].map((havip) => ({ havip, alarm: 'flapping' })),
    ];
    const lines = active.slice(0, NAMED_HAVIPS).map(({ havip, alarm }) => {
      const text = labelText(havip);
      return text === undefined ? '' : sample(ACTIVE_NAME, `${text},alarm="${alarm}"}`, 1);
    });
    return head(ACTIVE_NAME, 'gauge', ACTIVE_HELP) + lines.join('');
  }
}
