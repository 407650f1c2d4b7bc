// SPDX-License-Identifier: BSD-2-Clause
// The record of one failover: what was seen of the old holder last and of the new one first, how long traffic was
// without a holder, and whose time that was. Pure: stamps are handed in.

/** Who, in an operator's words. */
export interface DossierParty {
  readonly port: string;
  /** Lower case with colons. */
  readonly mac: string;
}

/** Monotonic ns of the host; null: not seen. In the order in which a crash shows them. */
export interface Stamps {
  /** The last packet to the HAVIP that was delivered to the old holder. */
  readonly lastToOldNs: bigint | null;
  /** The last packet that the old holder sent as the HAVIP. */
  readonly lastFromOldNs: bigint | null;
  /** The first packet to the HAVIP after that, wherever it went: the first one that was missed. */
  readonly firstMissedNs: bigint | null;
  /** Its last VRRP advert that was no goodbye. */
  readonly lastAdvertNs: bigint | null;
  /** Its goodbye, a VRRP advert of priority 0. */
  readonly resignedNs: bigint | null;
  /** Its port went, and the binding was released. */
  readonly releasedNs: bigint | null;
  /** The first ARP probe, or the first VRRP advert of a new series, of the new holder. */
  readonly firstSignNs: bigint | null;
  /** The announcement, at the hook. */
  readonly announcedNs: bigint;
  /** The binding was visible to every CPU. */
  readonly writtenNs: bigint | null;
  /** The first packet to the HAVIP that was delivered to the new holder. */
  readonly firstToNewNs: bigint | null;
  /** The first packet that the new holder sent as the HAVIP. */
  readonly firstFromNewNs: bigint | null;
}

/** What VRRP said, where the guests speak it. */
export interface Vrrp {
  readonly vrid: number;
  /** The old master's advert interval. Unit: ns. */
  readonly intervalNs: bigint;
  /** null: not seen. */
  readonly oldPriority: number | null;
  readonly newPriority: number | null;
}

/**
 * Whose time it was. `guests`: noticing, electing, announcing, beginning to answer. `network`: from the announcement to
 * the binding. `traffic`: nobody sent anything.
 */
export type Share = 'guests' | 'network' | 'traffic';

/** What went on between two stamps that follow each other. */
export interface Stage {
  /** `notice`, `take-over`, `re-point`, `wait`, `answer` */
  readonly name: string;
  readonly share: Share;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * What the outage is measured by. `answers`: from the old holder's last packet to the new one's first. `deliveries`:
 * from the last packet that the old one got to the first that the new one got, where nobody ever answers. `none`: nobody
 * sent anything while nobody answered.
 */
export type OutageBasis = 'answers' | 'deliveries' | 'none';

/** One move. */
export interface Dossier {
  /** The `seq` of the move's event: what `havip explain` takes. */
  readonly id: number;
  readonly network: string;
  readonly subnet: string;
  readonly address: string;
  /** null: nobody had held it. */
  readonly from: DossierParty | null;
  readonly to: DossierParty;
  /** The form of the announcement, `arp-request` for instance; `verified`, `rarp`. */
  readonly reason: string;
  /** Why the binding had been released before; empty: it had not. */
  readonly releaseReason: string;
  /** Of the announcement, since 1970. */
  readonly announcedWallNs: bigint;
  readonly stamps: Stamps;
  readonly vrrp: Vrrp | null;
  /** 0n: none. null: `basis` is none. */
  readonly outageNs: bigint | null;
  readonly basis: OutageBasis;
  /** Parts of the outage. */
  readonly guestsNs: bigint | null;
  readonly networkNs: bigint | null;
  /** From the old master's last advert until its backup takes over by RFC 9568 section 6.1; null: no VRRP was seen. */
  readonly expectedGuestsNs: bigint | null;
  /** Shape: in order, without gaps, first to last stamp of the outage. */
  readonly stages: readonly Stage[];
  /** One sentence: what would make the next one shorter. */
  readonly advice: string;
  /** Nothing more is waited for. */
  readonly complete: boolean;
}
