// SPDX-License-Identifier: BSD-2-Clause
// A dossier for tests that need one: a crash under keepalived's defaults.
import type { Dossier } from '../../src/holders/dossier.js';

const T = 2n ** 53n + 1n;
const MS = 1_000_000n;

export function dossier(differences: Partial<Dossier> = {}): Dossier {
  return {
    ...{ id: 1, network: 'blue', subnet: 'web', address: '10.0.1.50' },
    from: { port: 'tap-a', mac: '02:00:00:00:00:0a' },
    to: { port: 'tap-b', mac: '02:00:00:00:00:0b' },
    ...{ reason: 'arp-request', releaseReason: 'port-down', announcedWallNs: 2n ** 60n + 1n },
    stamps: {
      ...{
        lastToOldNs: T + MS,
        lastFromOldNs: T,
        firstMissedNs: T + MS,
        lastAdvertNs: T - 400n * MS,
        resignedNs: null,
      },
      ...{ releasedNs: T + 3n * MS, firstSignNs: T + 3_209n * MS, announcedNs: T + 3_210n * MS },
      ...{ writtenNs: T + 3_210n * MS + 800n, firstToNewNs: T + 3_211n * MS, firstFromNewNs: null },
    },
    vrrp: { vrid: 51, intervalNs: 1_000n * MS, oldPriority: 150, newPriority: null },
    ...{ outageNs: 3_211n * MS, basis: 'answers', guestsNs: 3_210n * MS, networkNs: 800n },
    expectedGuestsNs: 3_609n * MS,
    stages: [
      { name: 'notice', share: 'guests', startNs: T, endNs: T + 3_209n * MS },
      { name: 'wait', share: 'traffic', startNs: T + 3_209n * MS, endNs: T + 3_211n * MS },
    ],
    ...{ advice: 'set advert_int to 0.1', complete: false },
    ...differences,
  };
}
