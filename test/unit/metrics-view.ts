// SPDX-License-Identifier: BSD-2-Clause
// What the tests of the metrics look at: two HAVIPs, a port, a move; and one family of the page.
import { CLAIM_KIND, CLAIM_RESULT } from '../../src/kernel/layout.gen.js';
import { CLAIM_RESULT_NAMES, REASONS } from '../../src/kernel/names.js';
import type { HavipRow } from '../../src/kernel/reader.js';
import { DossierMemory } from '../../src/observe/dossiers.js';
import type { EventRecord, PortRecord } from '../../src/observe/messages.js';
import { Metrics, type MetricsView } from '../../src/observe/metrics.js';

export const row = (change: Partial<HavipRow> = {}): HavipRow => ({
  ...{
    havip: 4,
    network: 'blue',
    subnet: 'web',
    address: '10.0.1.50',
    sinceNs: 7n,
    by: 'arp-reply',
    moves: 3,
  },
  holder: { port: 'tap-b', slot: 2, mac: '02:00:00:00:00:0b', kind: 'vnic' },
  ...{ packets: 2n ** 63n, bytes: 11n, saved: 12n, unheld: 13n },
  ...{ eip: null, fromHolder: 0n, fromOthers: 0n },
  ...change,
});

export const PORT: PortRecord = {
  ...{ slot: 2, name: 'tap-b', bridge: 'br-web', kind: 'vnic', hook: 'tc', up: true, takesXdp: false },
  failure: null,
};

export const MOVE: EventRecord = {
  ...{ seq: 1, kind: 'move', timeNs: 7n, wallNs: 8n, network: 'blue', subnet: 'web', address: '10.0.1.50' },
  from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
  to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
  ...{ reason: 'arp-reply', count: 1, repointNs: 55_000n },
};

const claimAt = (kind: number, result: number): number => kind * CLAIM_RESULT_NAMES.length + result;

export function view(change: Partial<MetricsView> = {}): MetricsView {
  const claims = Array.from({ length: 60 }, () => 0n);
  claims[claimAt(CLAIM_KIND.ARP_REPLY, CLAIM_RESULT.CLAIM)] = 5n;
  claims[claimAt(CLAIM_KIND.ARP_REPLY, CLAIM_RESULT.REFUSED_SPOOF)] = 2n;
  claims[claimAt(CLAIM_KIND.ARP_REQUEST, CLAIM_RESULT.REFUSED_SPOOF)] = 4n;
  return {
    rows: () => [row(), row({ havip: 5, network: 'r"e\\d\n', holder: null, packets: 0n })],
    ports: [PORT],
    portCounters: () => REASONS.map((_, reason) => BigInt(reason)),
    claimCounters: () => claims,
    losses: () => ({ ringFull: 8n, claimsFull: 9n }),
    config: { stale: true, path: null, loadedWallNs: 1_500_000_000_250_000_000n, problems: ['bad'] },
    absent: [],
    alarms: { flapping: new Set(), split: new Set() },
    audit: { audited: 10, mismatches: 11 },
    historyHealth: { path: '/s', failure: 'full', lost: 14 },
    fillingMaps: [],
    moves: new DossierMemory(),
    ...change,
  };
}

/** Samples of one family, its HELP and TYPE lines first. */
export async function family(name: string, metrics = new Metrics(view(), '0.1.0')): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  const at = lines.findIndex((line) => line.startsWith(`# HELP ${name} `));
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => line.startsWith('# HELP '));
  return rest.slice(0, end < 0 ? rest.length - 1 : end);
}
