// SPDX-License-Identifier: BSD-2-Clause
// The thread of look-object.ts: one look, one message, and it ends.
import { parentPort } from 'node:worker_threads';
import { HavipError } from '../errors.js';
import { lookAtObject, type ObjectMessage } from './look-object.js';

function answer(): ObjectMessage {
  try {
    return { object: lookAtObject() };
  } catch (thrown) {
    const { code, message } = HavipError.from(thrown);
    return { code, message };
  }
}

parentPort?.postMessage(answer());
