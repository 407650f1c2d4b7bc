// SPDX-License-Identifier: BSD-2-Clause
// Dossiers <-> protobuf messages, for the API and for the history on disk.
import type { Dossier, OutageBasis, Share, Stage, Stamps, Vrrp } from '../holders/dossier.js';
import { havip } from './havip.gen.js';
import { decoded, fromWire64, fromWireParty, toWire64, type Wire64 } from './wire.js';

import v1 = havip.v1;

/** Absence is not 0. */
const maybeTo = (value: bigint | null): Wire64 | null => (value === null ? null : toWire64(value));
const maybeFrom = (value: Wire64 | null | undefined): bigint | null =>
  value == null ? null : fromWire64(value);

const NOBODY = { port: '', mac: '' };

export function toWireDossier(dossier: Dossier): v1.Dossier.$Properties {
  const { announcedWallNs, stamps, vrrp, stages, ...rest } = dossier;
  return {
    ...rest,
    announcedWallNs: toWire64(announcedWallNs),
    stamps: toWireStamps(stamps),
    vrrp: vrrp && { ...vrrp, intervalNs: toWire64(vrrp.intervalNs) },
    outageNs: maybeTo(rest.outageNs),
    guestsNs: maybeTo(rest.guestsNs),
    networkNs: maybeTo(rest.networkNs),
    expectedGuestsNs: maybeTo(rest.expectedGuestsNs),
    stages: stages.map(({ startNs, endNs, ...words }) => ({
      ...words,
      startNs: toWire64(startNs),
      endNs: toWire64(endNs),
    })),
  };
}

export function fromWireDossier(message: v1.Dossier.$Properties): Dossier {
  const { id, network, subnet, address, reason, releaseReason, announcedWallNs, basis, stages } =
    decoded(message);
  const { advice, complete } = decoded(message);
  return {
    ...{ id: Number(fromWire64(id)), network, subnet, address },
    from: fromWireParty(message.from),
    to: fromWireParty(message.to) ?? NOBODY,
    ...{ reason, releaseReason, announcedWallNs: fromWire64(announcedWallNs) },
    stamps: fromWireStamps(message.stamps ?? {}),
    vrrp: message.vrrp ? fromWireVrrp(message.vrrp) : null,
    outageNs: maybeFrom(message.outageNs),
    basis: basis as OutageBasis,
    guestsNs: maybeFrom(message.guestsNs),
    networkNs: maybeFrom(message.networkNs),
    expectedGuestsNs: maybeFrom(message.expectedGuestsNs),
    stages: stages.map(fromWireStage),
    ...{ advice, complete },
  };
}

function toWireStamps(stamps: Stamps): v1.Stamps.$Properties {
  const { announcedNs, ...seen } = stamps;
  const maybes = Object.entries(seen).map(([name, value]) => [name, maybeTo(value)] as const);
  return { announcedNs: toWire64(announcedNs), ...Object.fromEntries(maybes) };
}

function fromWireStamps(message: v1.Stamps.$Properties): Stamps {
  return {
    lastToOldNs: maybeFrom(message.lastToOldNs),
    lastFromOldNs: maybeFrom(message.lastFromOldNs),
    firstMissedNs: maybeFrom(message.firstMissedNs),
    lastAdvertNs: maybeFrom(message.lastAdvertNs),
    resignedNs: maybeFrom(message.resignedNs),
    releasedNs: maybeFrom(message.releasedNs),
    firstSignNs: maybeFrom(message.firstSignNs),
    announcedNs: fromWire64(message.announcedNs ?? 0),
    writtenNs: maybeFrom(message.writtenNs),
    firstToNewNs: maybeFrom(message.firstToNewNs),
    firstFromNewNs: maybeFrom(message.firstFromNewNs),
  };
}

function fromWireVrrp(message: v1.Vrrp.$Properties): Vrrp {
  const { vrid, intervalNs } = decoded(message);
  const { oldPriority = null, newPriority = null } = message;
  return { vrid, intervalNs: fromWire64(intervalNs), oldPriority, newPriority };
}

function fromWireStage(message: v1.Stage.$Properties): Stage {
  const { name, share, startNs, endNs } = decoded(message);
  return { name, share: share as Share, startNs: fromWire64(startNs), endNs: fromWire64(endNs) };
}
