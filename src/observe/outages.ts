// SPDX-License-Identifier: BSD-2-Clause
// Outages as histograms, from the dossiers of moves: how long traffic had no holder, and whose time that was.
import type { Dossier, OutageBasis, Share } from '../holders/dossier.js';
import { DurationHistogram, head, labels, sample } from './exposition.js';

/** Dossiers that may change again after they were complete, and must not count twice. */
const REMEMBERED_DOSSIERS = 10_000;

/** From one packet's distance to what a guest with a slow detector takes. */
const OUTAGE_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 30, 60,
];
/** The network's share begins at a microsecond, the guests' ends at a minute. */
const SHARE_SECONDS = [
  1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10,
  30, 60,
];

/** Time without any traffic is nobody's, and no outage. */
const SHARES: readonly Exclude<Share, 'traffic'>[] = ['guests', 'network'];
const BASES: readonly OutageBasis[] = ['answers', 'deliveries', 'none'];

const OUTAGE_HELP =
  'From the last packet at the old holder to the first at the new one, of moves that had traffic.';
const SHARE_HELP =
  'Parts of those outages: guests, until they announced and again until they answered; network, until the binding was written.';
const DOSSIERS_HELP =
  'Completed dossiers of moves, by what the outage was measured by; none: no traffic was seen on one side.';

export class Outages {
  private readonly outage = new DurationHistogram(OUTAGE_SECONDS);
  private readonly shares = SHARES.map((share) => ({ share, time: new DurationHistogram(SHARE_SECONDS) }));
  private readonly bases = new Map<OutageBasis, number>(BASES.map((basis) => [basis, 0]));
  private readonly counted = new Set<number>();

  /** Whatever a dossier says before it is complete may change. */
  observe(dossier: Dossier): void {
    const { id, complete, basis, outageNs, guestsNs, networkNs } = dossier;
    if (!complete || this.counted.has(id)) return;
    this.remember(id);
    this.bases.set(basis, (this.bases.get(basis) ?? 0) + 1);
    if (basis === 'none' || outageNs === null) return;
    this.outage.observe(outageNs);
    const parts = { guests: guestsNs, network: networkNs };
    for (const { share, time } of this.shares) {
      const partNs = parts[share];
      if (partNs !== null) time.observe(partNs);
    }
  }

  text(): string {
    const share = 'havip_outage_share_seconds';
    return [
      this.outage.text('havip_outage_seconds', OUTAGE_HELP),
      head(share, 'histogram', SHARE_HELP),
      ...this.shares.map((one) => one.time.samples(share, { share: one.share })),
      head('havip_dossiers_total', 'counter', DOSSIERS_HELP),
      ...[...this.bases].map(([basis, count]) => sample('havip_dossiers_total', labels({ basis }), count)),
    ].join('');
  }

  private remember(id: number): void {
    this.counted.add(id);
    if (this.counted.size <= REMEMBERED_DOSSIERS) return;
    for (const oldest of this.counted) {
      this.counted.delete(oldest);
      return;
    }
  }
}
