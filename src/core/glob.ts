/** Patterns of `*` and `?`, as OpenSSH has them: no run of stars takes longer than the pattern times the text. */

/** Whether the whole text is as the pattern says; all else stands for itself. */
export const globMatches = (pattern: string, text: string): boolean => {
  let [p, t] = [0, 0];
  /** Behind the last star, and what it has taken so far. */
  let [star, taken] = [-1, 0];
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = ++p;
      taken = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star !== -1) {
      p = star;
      t = ++taken;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
};

/** Whether one of the patterns matches, and none of those that begin with `!`. */
export const globListMatches = (patterns: readonly string[], text: string): boolean =>
  patterns.some((p) => !p.startsWith('!') && globMatches(p, text)) &&
  !patterns.some((p) => p.startsWith('!') && globMatches(p.slice(1), text));
