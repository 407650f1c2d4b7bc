// SPDX-License-Identifier: BSD-2-Clause
// What the loader has to say about holders, whoever decides on claims: releases, when a port or a membership ends;
// stations that were migrated; holders that were found by asking.
import type { Registry } from '../holders/registry.js';
import type { Claim, Holder } from '../holders/rules.js';
import type { Tables } from '../kernel/maps.js';
import { holderRow } from './bindings.js';
import type { Definitions, HavipRecord } from './definitions.js';
import type { KernelHolders } from './kernel-holders.js';
import type { LoaderHolders } from './loader-holders.js';
import type { PortBook } from './ports.js';

export interface HoldingsOptions {
  readonly tables: Pick<Tables, 'stationed'>;
  readonly definitions: Definitions;
  readonly registry: Registry;
  readonly ports: PortBook;
  readonly kernel: KernelHolders;
  readonly loader: LoaderHolders;
}

/** Wherever it is held. */
export const ANY_SLOT = 0;

export class Holdings {
  constructor(private readonly options: HoldingsOptions) {}

  /** Holders and waiting claimants that the member lists do not let hold any more. */
  releaseStrangers(): void {
    const { definitions, registry, ports } = this.options;
    for (const havip of definitions.closed()) {
      const { id } = havip;
      const pending = registry.pending(id);
      const holder = registry.binding(id)?.holder ?? null;
      if (isStranger(havip, pending, ports)) this.dropPending(id, pending?.port ?? ANY_SLOT);
      if (isStranger(havip, holder, ports)) this.release(id, holder?.port ?? ANY_SLOT, 'not-member');
    }
  }

  /** Holders on a bridge that their subnet has left, or whose port left with an earlier daemon. */
  releaseMisplaced(): void {
    const { definitions, registry, ports } = this.options;
    for (const { id, subnet } of definitions.all().values()) {
      const holder = registry.binding(id)?.holder;
      if (!holder) continue;
      const port = ports.at(holder.port);
      if (port?.wanted.bridge.name === subnet.config.bridge) continue;
      this.release(id, holder.port, port ? 'other-bridge' : 'port-left');
    }
  }

  /** All that is held or waited for at a port that is down, or that binds nothing any more. */
  releasePort(slot: number, reason: string): void {
    const { registry } = this.options;
    for (const havip of registry.waitingAt(slot)) this.dropPending(havip, slot);
    for (const havip of registry.heldAt(slot)) this.release(havip, slot, reason);
  }

  /** A guest has been migrated to another port: what it holds goes with it. @param at `havip` is the subnet's index. */
  follow(at: Claim): void {
    const { definitions, registry, tables } = this.options;
    const { by, havip: subnet } = at;
    const { mac } = holderRow(by);
    const known = tables.stationed.get({ subnet, mac, reserved: 0 });
    for (const id of registry.heldAt(known?.port ?? ANY_SLOT)) {
      const isIts = registry.binding(id)?.holder?.mac === by.mac;
      if (isIts && definitions.havip(id)?.subnet.id === subnet) this.bind({ ...at, havip: id }, at.tsNs);
    }
  }

  /** Binds it to a station that has not announced. @param arrivedNs Of the frame that said so; null: several did. */
  bind(claim: Claim, arrivedNs: bigint | null): void {
    const { kernel, loader, ports, registry } = this.options;
    const outcome = registry.outcome(claim);
    if (!outcome || outcome === 'refresh' || !this.counts(claim)) return;
    ports.noteHolder(claim.by.port);
    if (kernel.serves(claim.havip)) kernel.bind(claim, outcome);
    else loader.commit(registry.claim(claim, process.hrtime.bigint(), true), arrivedNs);
  }

  /** Between the hook and here the port may have left or gone down, or been taken off the members. */
  counts({ havip, by, tsNs }: Claim): boolean {
    const { definitions, ports } = this.options;
    const port = ports.at(by.port);
    const record = definitions.havip(havip);
    if (!port || !record || isStranger(record, by, ports)) return false;
    return tsNs >= port.sinceNs && (port.downSinceNs === null || tsNs > port.downSinceNs);
  }

  private release(havip: number, slot: number, reason: string): void {
    const { kernel, loader, registry } = this.options;
    if (kernel.serves(havip)) kernel.release(havip, slot, reason);
    else loader.commit(registry.releaseOne(havip, reason, process.hrtime.bigint()), null);
  }

  private dropPending(havip: number, slot: number): void {
    const { kernel, registry } = this.options;
    if (kernel.serves(havip)) kernel.forgetPending(havip, slot);
    else registry.dropPending(havip);
  }
}

function isStranger({ config }: HavipRecord, holder: Holder | null, ports: PortBook): boolean {
  return holder !== null && !(config.members?.includes(ports.nameOf(holder.port)) ?? true);
}
