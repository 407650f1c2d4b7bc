// SPDX-License-Identifier: BSD-2-Clause
// A question in an operator's words -> the frame that it is about -> what the loaded program would do with it. For
// `havip trace`, with and without the daemon.
import { HavipError } from '../errors.js';
import { canonicalAddress, formatMac, parseMac } from '../net/addresses.js';
import { packetFrame, type Transport } from '../net/packets.js';
import { wordsFor } from './trace-words.js';
import { trace, type Traced } from './tracer.js';

export interface TraceQuestion {
  /** The port that the frame comes in by. */
  readonly port: string;
  readonly to: string;
  /** undefined, here and below: chosen by what the maps know. */
  readonly from?: string | undefined;
  readonly transport: Transport;
  readonly mac?: string | undefined;
  readonly source?: string | undefined;
  /** The outer tag first. */
  readonly vlan: readonly number[];
}

export interface TraceAnswer extends Traced {
  /** One sentence. */
  readonly meaning: string;
  /** The frame in words. */
  readonly packet: string;
}

/** Of the networks for documentation (RFC 5737, RFC 3849): nobody's. */
export const ANYBODY = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };
/** Where neither the operator nor the maps know a MAC. */
const SOME_MAC = '02:00:00:00:00:01';
const MAX_VLAN = 4094;
const MAX_TAGS = 2;

/** Errors: USAGE for a question that makes no frame; as `trace`. */
export function askTrace(pinPath: string, question: TraceQuestion): TraceAnswer {
  const { port, transport, vlan } = question;
  const to = addressOf('--to', question.to);
  const isIpv6 = to.includes(':');
  const from =
    question.from === undefined ? (isIpv6 ? ANYBODY.ipv6 : ANYBODY.ipv4) : addressOf('--from', question.from);
  if (from.includes(':') !== isIpv6)
    throw new HavipError('USAGE', `--from ${from} and --to ${to} are not of one family`);
  if (vlan.length > MAX_TAGS) throw new HavipError('USAGE', '--vlan: no subnet has more than two tags');
  const bad = vlan.find((id) => !Number.isInteger(id) || id < 1 || id > MAX_VLAN);
  if (bad !== undefined)
    throw new HavipError('USAGE', `--vlan: ${bad} is no VLAN id, which is 1 to ${MAX_VLAN}`);
  const [mac, source] = [macOf('--mac', question.mac), macOf('--source', question.source)];
  const traced = trace(pinPath, port, to, ({ guestMac, holderMac, routerMac }) =>
    packetFrame({
      ...{ transport, from, to, vlan },
      destinationMac: mac ?? holderMac ?? routerMac ?? SOME_MAC,
      sourceMac: source ?? (guestMac ? formatMac(guestMac) : SOME_MAC),
    }),
  );
  const meaning = wordsFor(traced.verdict, traced.reason);
  return { ...traced, meaning, packet: `${transport.toUpperCase()} ${from} -> ${to}` };
}

function addressOf(option: string, text: string): string {
  const address = canonicalAddress(text);
  if (address === null)
    throw new HavipError('USAGE', `${option}: not an IP address: ${JSON.stringify(text)}`);
  return address;
}

function macOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined || parseMac(text)) return text;
  throw new HavipError('USAGE', `${option}: not a MAC: ${JSON.stringify(text)}`);
}
