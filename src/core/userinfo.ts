/** A password in an address (`https://ann:secret@host/x`), or in its query (`?sig=…`), taken out of what people are shown. */

/** What stands between `//` and the last `@` before a slash, blanks and quotes included: nobody says how a password must look. */
const authority = /(?<=(?:\\?\/){2})[^\n/\\]*(?=@)/g;

/** How long a password may be that stands without the slashes. */
const longest = 256;

/** `ann:secret@host` without the slashes, or with a slash in the password; a port and its path are none. */
const pair = /(?<=[^\s"'/:,@[{]:)(?![/\\]|\d{1,256}\/)[^\s"',]{0,256}(?=@)/g;

const starred = (text: string, form: RegExp): string => text.replace(form, (w) => '*'.repeat(w.length));

/** Only what stands close before an `@` is looked at: a line may have no end. */
const withoutPairs = (text: string): string => {
  let out = '';
  let done = 0;
  for (let at = text.indexOf('@'); at !== -1;) {
    // As far as the next one is close enough to belong to the same word.
    let end = at + 1;
    for (let next = text.indexOf('@', end); next !== -1 && next - end <= longest; next = text.indexOf('@', end))
      end = next + 1;
    const begin = Math.max(done, at - longest - 2);
    out += text.slice(done, begin) + starred(text.slice(begin, end), pair);
    done = end;
    at = text.indexOf('@', end);
  }
  return out + text.slice(done);
};

/** What a URL asks for, which may hold a signature; a URL with blanks or quotes in it is none. */
const query = /(https?:(?:\\?\/){2}[^\s"'?]{0,2048}\?)([^\s"']+)/gi;

const withoutQueries = (text: string): string =>
  text.includes('?') ? text.replace(query, (_, to: string, asks: string) => to + '*'.repeat(asks.length)) : text;

/** Of equal length, so that what points into the text still does. */
export const withoutUserinfo = (text: string): string =>
  withoutQueries(text.includes('@') ? withoutPairs(starred(text, authority)) : text);
