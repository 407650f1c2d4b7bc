// SPDX-License-Identifier: BSD-2-Clause
// Text that guests and files chose, made harmless to the eye. Markup it never is: it enters the page as text only.

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** C0, DEL, C1, and what reorders or hides text, as `\x1b` or `\u202e`: like the command line shows them. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => {
    const code = found.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}
