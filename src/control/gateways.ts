// SPDX-License-Identifier: BSD-2-Clause
// The way out: EIPs in the maps, announced on the gateways; route look-ups allowed; next hops asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Config, EipConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { PORT_KIND } from '../kernel/layout.gen.js';
import type { Tables } from '../kernel/maps.js';
import type { Logger } from '../observe/log.js';
import type { Definitions } from './definitions.js';
import { Eips } from './eips.js';
import { Greeter } from './greeter.js';
import type { WantedPort } from './plan.js';
import { Resolver } from './resolver.js';

export class Gateways {
  private readonly eips: Eips;
  private readonly greeter: Greeter;
  private readonly resolver: Resolver;
  private addresses: readonly string[] = [];
  private routesAllowed = false;

  constructor(
    tables: Tables,
    definitions: Definitions,
    private readonly log: Logger,
  ) {
    this.eips = new Eips(tables, definitions);
    this.greeter = new Greeter((port, { message }) =>
      log.warn({ port, error: message }, 'cannot announce the EIPs; will try again'),
    );
    this.resolver = new Resolver(tables.unresolved, ({ message }) =>
      log.warn({ error: message }, 'cannot ask for the MAC of a next hop'),
    );
  }

  /** Errors: FAILED where the maps have no room for them. */
  refuseTooMany(eips: readonly EipConfig[]): void {
    this.eips.refuseTooMany(eips);
  }

  /** After the HAVIPs. */
  define(config: Config): void {
    this.eips.apply(config);
    this.addresses = config.eips.map(({ address }) => address);
  }

  /** @param ports All that are served now. */
  follow(ports: readonly WantedPort[]): void {
    const gateways = ports.filter(({ kind }) => kind === PORT_KIND.GATEWAY);
    if (gateways.length && !this.routesAllowed) {
      this.routesAllowed = true;
      allowRouteLookups(this.log);
    }
    this.greeter.keep(
      gateways.filter(({ up, proxyArp }) => up && proxyArp),
      this.addresses,
    );
  }

  /** Once a second or so. */
  keepHouse(): void {
    this.resolver.resolve();
  }

  stop(): void {
    this.greeter.close();
    this.resolver.close();
  }
}

/** Of loopback alone: what comes from outside is not forwarded by it. */
const LOOPBACK_FORWARDING = '/proc/sys/net/ipv4/conf/lo/forwarding';

/** The programs look up routes as the host's own, from loopback, and the kernel wants leave for that. */
function allowRouteLookups(log: Logger): void {
  try {
    if (readFileSync(LOOPBACK_FORWARDING, 'utf8').trim() === '1') return;
    writeFileSync(LOOPBACK_FORWARDING, '1');
    log.info({ sysctl: 'net.ipv4.conf.lo.forwarding=1' }, 'set, for the route look-ups of EIPs');
  } catch (error) {
    const cure = 'sysctl -w net.ipv4.conf.lo.forwarding=1';
    log.error(
      { cure, error: HavipError.from(error).message },
      'packets from EIPs cannot leave: no route look-ups',
    );
  }
}
