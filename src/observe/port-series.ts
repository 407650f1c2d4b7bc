// SPDX-License-Identifier: BSD-2-Clause
// The metric families that have series for each port: frames by verdict, announcements by what came of them.
import { CLAIM_KIND_NAMES, CLAIM_RESULT_NAMES, PORT_KIND_NAMES, REASONS } from '../kernel/names.js';
import { escapeLabel, head, labels, sample } from './exposition.js';
import type { AbsentRecord, PortRecord } from './messages.js';

/** One port and its absolute counters. Shape: as in `readPortCounters` and `readClaimCounters`. */
export interface PortCounts {
  readonly port: PortRecord;
  readonly frames: readonly bigint[];
  readonly claims: readonly bigint[];
}

const REFUSED = 'refused-';

const TAKEN = 'claim refresh bind move mac-change held-back withdrawn overtaken reflected port-gone';
const FAULTS = 'refused-not-member refused-malformed refused-spoof';
const ND_FAULTS = `refused-hop-limit refused-checksum refused-option refused-code refused-solicited refused-fragment`;
const USED = 'evidence liveness';

/** What can come of which form (bpf/claim.h): the rest would be series that stay 0 for ever. */
const RESULTS_OF: Readonly<Record<string, string>> = {
  'arp-request': `${TAKEN} ${FAULTS}`,
  'arp-reply': `${TAKEN} ${FAULTS}`,
  'arp-answer': `${TAKEN} ${USED} ${FAULTS}`,
  'arp-question': `${USED} ${FAULTS}`,
  'arp-probe': 'intent',
  na: `${TAKEN} ${FAULTS} ${ND_FAULTS}`,
  'na-answer': `${TAKEN} ${USED} ${FAULTS} ${ND_FAULTS}`,
  'nd-probe': 'intent',
  rarp: 'claim liveness',
  'vrrp-advert': 'observed stranger',
};

const CLAIM_PAIRS = CLAIM_KIND_NAMES.flatMap((kind, k) => {
  const results = new Set((RESULTS_OF[kind] ?? '').split(' '));
  return CLAIM_RESULT_NAMES.map((result, r) => ({
    kind,
    result,
    index: k * CLAIM_RESULT_NAMES.length + r,
  })).filter(({ result }) => results.has(result));
});

const REFUSALS = CLAIM_RESULT_NAMES.map((result, index) => ({ result, index })).filter(({ result }) =>
  result.startsWith(REFUSED),
);

/** `,reason="spoof"}`: what follows the port's name. */
const tail = (pairs: Readonly<Record<string, string>>): string => labels(pairs).replace('{', ',');

const FRAME_TAILS = REASONS.map(tail);
const CLAIM_TAILS = CLAIM_PAIRS.map(({ kind, result }) => tail({ kind, result }));
const REFUSAL_TAILS = REFUSALS.map(({ result }) => tail({ reason: result.slice(REFUSED.length) }));

/** A piece a family. Every known set of labels is there from the start, so that a first count is an increase. */
export function portSeries(counts: readonly PortCounts[]): string[] {
  return [attached(counts), frames(counts), claims(counts), refusals(counts)];
}

const PORT_STATES = ['up', 'down', 'unattached'] as const;
const ABSENT_KINDS: readonly AbsentRecord['kind'][] = ['bridge', 'uplink', 'gateway'];

/** What a host has, and lacks, in a few numbers. */
export function hostSeries(ports: readonly PortRecord[], absent: readonly AbsentRecord[]): string {
  const states = PORT_KIND_NAMES.flatMap((kind) =>
    PORT_STATES.map((state) => {
      const count = ports.filter((port) => port.kind === kind && stateOf(port) === state).length;
      return sample('havip_ports', labels({ kind, state }), count);
    }),
  );
  const missing = ABSENT_KINDS.map((kind) =>
    sample('havip_absent', labels({ kind }), absent.filter((one) => one.kind === kind).length),
  );
  return [
    head(
      'havip_ports',
      'gauge',
      'Ports by state; unattached: no program could be attached, the bridge serves it.',
    ),
    ...states,
    head('havip_absent', 'gauge', 'What the configuration names and this host does not have (yet).'),
    ...missing,
  ].join('');
}

function stateOf({ failure, up }: PortRecord): (typeof PORT_STATES)[number] {
  if (failure !== null) return 'unattached';
  return up ? 'up' : 'down';
}

function attached(counts: readonly PortCounts[]): string {
  const name = 'havip_port_attached';
  const lines = counts.map(({ port }) =>
    sample(name, labels({ port: port.name, hook: port.hook }), port.failure === null ? 1 : 0),
  );
  return (
    head(name, 'gauge', 'Whether the program sees the frames of the port, and at which hook.') +
    lines.join('')
  );
}

function frames(counts: readonly PortCounts[]): string {
  const name = 'havip_frames_total';
  const help = 'Frames that came in by the port, by what became of them and why.';
  return (
    head(name, 'counter', help) + byPort(name, counts, FRAME_TAILS, ({ frames: values }, i) => values[i])
  );
}

function claims(counts: readonly PortCounts[]): string {
  const name = 'havip_claims_total';
  const help = 'Frames about a HAVIP, by their form and what came of them.';
  const value = ({ claims: values }: PortCounts, i: number) => values[CLAIM_PAIRS[i]?.index ?? -1];
  return head(name, 'counter', help) + byPort(name, counts, CLAIM_TAILS, value);
}

function refusals(counts: readonly PortCounts[]): string {
  const name = 'havip_claims_refused_total';
  const value = ({ claims: values }: PortCounts, i: number) => overKinds(values, REFUSALS[i]?.index ?? -1);
  return head(name, 'counter', 'Claims refused, by why.') + byPort(name, counts, REFUSAL_TAILS, value);
}

/** Two hundred lines a port, of which only the port's name and the numbers are not the same each time. */
function byPort(
  name: string,
  counts: readonly PortCounts[],
  tails: readonly string[],
  value: (counts: PortCounts, tail: number) => bigint | undefined,
): string {
  let lines = '';
  for (const one of counts) {
    const start = [name, '{port="', escapeLabel(one.port.name), '"'].join('');
    for (let i = 0; i < tails.length; i++) lines += `${start}${tails[i]} ${value(one, i) ?? 0n}\n`;
  }
  return lines;
}

function overKinds(values: readonly bigint[], result: number): bigint {
  return CLAIM_KIND_NAMES.reduce(
    (sum, _, kind) => sum + (values[kind * CLAIM_RESULT_NAMES.length + result] ?? 0n),
    0n,
  );
}
