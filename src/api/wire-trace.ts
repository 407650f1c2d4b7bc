// SPDX-License-Identifier: BSD-2-Clause
// What a trace found <-> its message.
import type { TraceAnswer } from '../kernel/ask-trace.js';
import { havip } from './havip.gen.js';
import { decoded } from './wire.js';
import v1 = havip.v1;

export function toWireTrace({ port, program, ...answer }: TraceAnswer): v1.TraceReply.$Properties {
  return {
    ...{ port: port.name, portKind: port.kind, hook: port.hook },
    ...{ programId: program.id, programTag: program.tag },
    subnet: answer.subnet ?? '',
    havip: answer.havip ?? '',
    eip: answer.eip ?? '',
    holder: answer.holder,
    ...{ verdict: answer.verdict, reason: answer.reason, meaning: answer.meaning, packet: answer.packet },
    ...{ before: answer.before, after: answer.after },
  };
}

export function fromWireTrace(message: v1.TraceReply.$Properties): TraceAnswer {
  const { port, portKind, hook, programId, programTag, ...answer } = decoded(message);
  const { verdict, reason, meaning, packet, before, after } = answer;
  return {
    port: { name: port, kind: portKind, hook: hook as TraceAnswer['port']['hook'] },
    program: { id: programId, tag: programTag },
    subnet: answer.subnet || null,
    havip: answer.havip || null,
    holder: message.holder ? fromWireHolder(message.holder) : null,
    eip: answer.eip || null,
    ...{ verdict, reason, meaning, packet },
    ...{ before: Buffer.from(before), after: Buffer.from(after) },
  };
}

function fromWireHolder(message: v1.TraceHolder.$Properties): NonNullable<TraceAnswer['holder']> {
  const { port, slot, mac, kind } = decoded(message);
  return { port, slot, mac, kind: kind as NonNullable<TraceAnswer['holder']>['kind'] };
}
