/** A password that stands in an address (`https://ann:secret@host/x`), taken out of what people are shown. */

/** What stands between `//` and the last `@` before a slash, blanks and quotes included: nobody says how a password must look. */
const authority = /(?<=(?:\\?\/){2})[^\n/\\]*(?=@)/g;

/**
 * `ann:secret@host` without the slashes, or with a slash in the password; a port and its path are none. Bounded, for lines
 * without end.
 */
const pair = /(?<=[^\s"'/:,@[{]:)(?![/\\]|\d+\/)[^\s"',]{0,256}(?=@)/g;

/** Of equal length, so that what points into the text still does. */
export const withoutUserinfo = (text: string): string =>
  text.includes('@') ? [authority, pair].reduce((t, form) => t.replace(form, (w) => '*'.repeat(w.length)), text) : text;
