// SPDX-License-Identifier: BSD-2-Clause
// One order -> the next set of run-time definitions, or why there is none: what is already there, what is the file's,
// what is not clear. What an entry may say is the configuration's own checks' business. Pure.
import { printable } from '../config/problem.js';
import type { RuntimeHavip, RuntimeSet } from '../config/runtime.js';
import type { Config, SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { addressBytes, canonicalAddress, cidrContains, parseCidr } from '../net/addresses.js';
import type { EipName, HavipName, Members, NewEip, NewHavip } from '../observe/orders.js';

export interface Edit<Name> {
  readonly next: RuntimeSet;
  /** What it is about, in full. */
  readonly name: Name;
}

const EDIT_THE_FILE = 'edit the configuration file, then: havip reload';

export function addHavip(config: Config, set: RuntimeSet, asked: NewHavip): Edit<HavipName> {
  const address = canonicalOr(asked.havip.address);
  const home = homeOf(config.subnets, asked, address);
  const name = { network: home.network, subnet: home.name, address };
  const taken = config.subnets.find(
    ({ network, havips }) => network === home.network && havips.some((havip) => havip.address === address),
  );
  if (taken) {
    const origin = findHavip(set, name) ? 'at run time' : 'by the configuration';
    throw new HavipError(
      'EXISTS',
      `${address} is defined in ${taken.network}/${taken.name} already, ${origin}`,
    );
  }
  const entry = { network: home.network, subnet: home.name, havip: { ...asked.havip, address } };
  return { name, next: { ...set, havips: [...without(set.havips, findHavip(set, name)), entry] } };
}

/** Also one that is not in force. */
export function removeHavip(config: Config, set: RuntimeSet, asked: HavipName): Edit<HavipName> {
  const entry = ownHavip(config, set, asked);
  const name = nameOf(entry);
  const eip = set.eips.find(({ network, eip }) => network === name.network && eip.havip === name.address);
  if (eip) {
    const cure = `havip eip remove ${eip.eip.address} first`;
    throw new HavipError('USAGE', `the EIP ${eip.eip.address} is in front of ${name.address}`, { cure });
  }
  return { name, next: { ...set, havips: without(set.havips, entry) } };
}

export function setMembers(config: Config, set: RuntimeSet, { havip, members }: Members): Edit<HavipName> {
  const entry = ownHavip(config, set, havip);
  const { members: former, ...rest } = entry.havip;
  const changed = { ...rest, address: entry.havip.address, ...(members && { members: [...members] }) };
  const havips = set.havips.map((one) => (one === entry ? { ...entry, havip: changed } : one));
  return { name: nameOf(entry), next: { ...set, havips } };
}

export function addEip(config: Config, set: RuntimeSet, { network, eip }: NewEip): Edit<EipName> {
  const [address, havip] = [canonicalOr(eip.address), canonicalOr(eip.havip)];
  const networks = config.subnets
    .filter(({ havips }) => havips.some((one) => one.address === havip))
    .map((subnet) => subnet.network);
  const home = only([...new Set(networks)], network, 'network', `has a HAVIP ${havip}`);
  const taken = config.eips.find((one) => one.address === address);
  if (taken)
    throw new HavipError(
      'EXISTS',
      `the EIP ${address} is in front of ${taken.havip} in ${taken.network} already`,
    );
  const known = set.eips.find((one) => one.network === home && one.eip.address === address);
  const entry = { network: home, eip: { ...eip, address, havip } };
  return { name: { network: home, address }, next: { ...set, eips: [...without(set.eips, known), entry] } };
}

export function removeEip(config: Config, set: RuntimeSet, asked: EipName): Edit<EipName> {
  const address = canonicalOr(asked.address);
  const inNetwork = (network: string): boolean => network === (asked.network || network);
  const entry = set.eips.find(({ network, eip }) => inNetwork(network) && eip.address === address);
  if (entry) {
    return { name: { network: entry.network, address }, next: { ...set, eips: without(set.eips, entry) } };
  }
  const isFiles = config.eips.some((one) => inNetwork(one.network) && one.address === address);
  if (!isFiles) throw new HavipError('NOT_FOUND', `no EIP ${address} is configured here`);
  throw new HavipError('FROM_FILE', `the EIP ${address} is the configuration's`, { cure: EDIT_THE_FILE });
}

/** In full. Errors: NOT_FOUND; USAGE where several networks have the address. */
export function nameHavip(config: Config, asked: HavipName): HavipName {
  const address = canonicalOr(asked.address);
  const found = config.subnets
    .filter((subnet) => isAsked(asked, subnet.network, subnet.name))
    .filter(({ havips }) => havips.some((havip) => havip.address === address));
  const [first, second] = found;
  if (!first) {
    const cure = 'havip status lists those that are';
    throw new HavipError('NOT_FOUND', `no HAVIP ${address} is configured here`, { cure });
  }
  if (second) throw ambiguous(address, [first.network, second.network]);
  return { network: first.network, subnet: first.name, address };
}

function ownHavip(config: Config, set: RuntimeSet, asked: HavipName): RuntimeHavip {
  const address = canonicalOr(asked.address);
  const own = set.havips.filter(
    ({ network, subnet, havip }) => isAsked(asked, network, subnet) && havip.address === address,
  );
  const [first, second] = own;
  if (second)
    throw ambiguous(
      address,
      own.map(({ network }) => network),
    );
  if (first) return first;
  const { network, subnet } = nameHavip(config, asked);
  const message = `${address} of ${network}/${subnet} is the configuration's`;
  throw new HavipError('FROM_FILE', message, { cure: EDIT_THE_FILE });
}

const isAsked = (asked: HavipName, network: string, subnet: string): boolean =>
  network === (asked.network || network) && subnet === (asked.subnet || subnet);

const nameOf = ({ network, subnet, havip }: RuntimeHavip): HavipName => ({
  network,
  subnet,
  address: havip.address,
});

const findHavip = (set: RuntimeSet, { network, address }: HavipName): RuntimeHavip | undefined =>
  set.havips.find((one) => one.network === network && one.havip.address === address);

const without = <T>(list: readonly T[], item: T | undefined): readonly T[] =>
  list.filter((one) => one !== item);

function canonicalOr(text: string): string {
  const address = canonicalAddress(text);
  if (address !== null) return address;
  throw new HavipError('USAGE', `not an IP address: ${show(text)}`);
}

/** The subnet that was named, or the only one that has the address. */
function homeOf(subnets: readonly SubnetConfig[], asked: NewHavip, address: string): SubnetConfig {
  const { network, subnet } = asked;
  const named = subnets.filter((one) => isAsked({ network, subnet, address }, one.network, one.name));
  if (named.length === 0) {
    const place = [network, subnet].filter(Boolean).map(show).join(', ');
    throw new HavipError('NOT_FOUND', `there is no subnet ${place}`, {
      cure: `one of: ${subnets.map((one) => `${one.network}/${one.name}`).join(', ') || 'none is configured'}`,
    });
  }
  // Where one is named in full, whether it has the address is for the configuration's checks to say.
  const able = named.length === 1 ? named : named.filter(({ cidrs }) => cidrs.some(has(address)));
  const [home, second] = able;
  if (home && !second) return home;
  if (!home) throw new HavipError('USAGE', `no subnet has the address ${address}`);
  const places = able.map((one) => `${one.network}/${one.name}`).join(', ');
  throw new HavipError('USAGE', `several subnets have ${address}: ${places}`, {
    cure: 'name one with --network and --subnet',
  });
}

const has =
  (address: string) =>
  (text: string): boolean => {
    const cidr = parseCidr(text);
    return cidr !== null && cidrContains(cidr, addressBytes(address));
  };

function only(found: readonly string[], asked: string, what: string, which: string): string {
  const named = asked ? found.filter((one) => one === asked) : found;
  const [first, second] = named;
  if (second) throw new HavipError('USAGE', `more than one ${what} ${which}`, { cure: `name it: --${what}` });
  if (first !== undefined) return first;
  throw new HavipError('NOT_FOUND', `no ${what}${asked ? ` ${show(asked)}` : ''} ${which}`);
}

const ambiguous = (address: string, networks: readonly string[]): HavipError =>
  new HavipError('USAGE', `several networks have ${address}: ${networks.join(', ')}`, {
    cure: 'name one with --network',
  });

/** Whatever a client sent, short and on one line. */
const show = (text: string): string => printable(JSON.stringify(text.slice(0, 64)));
