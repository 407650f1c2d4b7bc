// SPDX-License-Identifier: BSD-2-Clause
// Requests as they were decoded -> what the source and the control thread are asked. An empty field is one that was not
// given. What a value may be is checked where it is used.
import { HavipError } from '../errors.js';
import type { TraceQuestion } from '../kernel/ask-trace.js';
import { canonicalAddress } from '../net/addresses.js';
import type { EipName, HavipName, Members, NewEip, NewHavip } from '../observe/orders.js';
import { havip } from './havip.gen.js';
import type { DossierQuery, EventFilter, HavipQuery, PortQuery } from './types.js';
import { decoded, fromWire64, fromWireEip, fromWireName } from './wire.js';
import v1 = havip.v1;

/** Only what was given. */
function given<T extends object>(message: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const isGiven = (value: unknown): boolean =>
    Array.isArray(value) ? value.length > 0 : value !== '' && value !== 0 && value != null;
  return Object.fromEntries(Object.entries(message).filter(([, value]) => isGiven(value))) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

export const havipQuery = ({ address, network, subnet }: v1.ListHavipsRequest.$Properties): HavipQuery =>
  given({ address, network, subnet });

/** A watch compares addresses by their text. Errors: USAGE for one that is none. */
export function canonicalQuery(message: v1.ListHavipsRequest.$Properties): HavipQuery {
  const query = havipQuery(message);
  if (query.address === undefined) return query;
  const address = canonicalAddress(query.address);
  if (address === null) throw new HavipError('USAGE', `not an IP address: ${JSON.stringify(query.address)}`);
  return { ...query, address };
}

export const portQuery = ({ name, bridge }: v1.ListPortsRequest.$Properties): PortQuery =>
  given({ name, bridge });

export const eventFilter = ({ kinds, address, network }: v1.EventsRequest.$Properties): EventFilter =>
  given({ kinds, address, network });

export function dossierQuery(message: v1.ListDossiersRequest.$Properties): DossierQuery {
  const { address, network, last } = message;
  return given({ id: Number(fromWire64(message.id ?? 0)), address, network, last });
}

export const havipName: (message: v1.HavipName.$Properties) => HavipName = fromWireName;
export const eipName: (message: v1.EipName.$Properties) => EipName = fromWireEip;

const NAMELESS: HavipName = { network: '', subnet: '', address: '' };

export const members = (message: v1.SetMembersRequest.$Properties): Members => ({
  havip: message.havip ? fromWireName(message.havip) : NAMELESS,
  members: message.members?.length ? message.members : null,
});

/** In the words of the configuration file, which checks them. */
export function newHavip(message: v1.AddHavipRequest.$Properties): NewHavip {
  const { dampingMoves, dampingWindow, network, subnet, address } = decoded(message);
  const { rebind, guard, unheld, heal, arp, serviceMac } = message;
  const damping = given({ moves: dampingMoves, window: dampingWindow });
  const options = given({ members: message.members, rebind, guard, unheld, heal, arp, serviceMac });
  const value = Object.keys(damping).length ? { ...options, damping } : options;
  return { network, subnet, havip: { ...value, address } };
}

export function newEip(message: v1.AddEipRequest.$Properties): NewEip {
  const { network, address, havip: behind, egress } = decoded(message);
  return { network, eip: { ...given({ egress }), address, havip: behind } };
}

const TRANSPORTS = ['tcp', 'udp', 'icmp'] as const;

/** Errors: USAGE for a transport that is none. */
export function traceQuestion(message: v1.TraceRequest.$Properties): TraceQuestion {
  const { port, to, from, mac, source, vlan, transport: asked } = decoded(message);
  const word = asked || 'udp';
  const transport = TRANSPORTS.find((one) => one === word);
  if (!transport) throw new HavipError('USAGE', `no transport: ${JSON.stringify(word.slice(0, 64))}`);
  return { port, to, transport, vlan, ...given({ from, mac, source }) };
}
