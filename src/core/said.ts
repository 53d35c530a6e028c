/** What a command printed, as a person reads it: the lines that state the cause first, then so much of the rest as is bearable. */

const chatter = /^(?:libxl: (?:debug|detail|info|progress): |Parsing config from )/;
const source = /^libxl: (?:error|warning|notice): [\w.-]+:\d+:\w+: ?/;

/** Errors that tell of what an earlier one did: the other end of a pipe is gone, a guest was never suspended. */
const consequence =
  /file\/stream truncated|exited with error status|died due to fatal signal|not suspended|resume failed|migration failed|resuming at sender/i;

/** By how much they say of the cause: an error by name or of the system, then whatever did not work. */
const causes: readonly RegExp[] = [
  /\berror\b|permission denied|connection (?:closed|refused|reset|timed out)|closed by remote|not responding|verification failed|could not resolve|no route to|no space left|no such file|not permitted|cannot allocate|out of memory/i,
  /\b(?:fail(?:ed|s|ure)?|cannot|can't|could not|unable|refused|denied|invalid|not found|did not match|already exists|unsupported|timed? ?out|fatal|abort(?:ed|ing)?)\b/i,
];

/** Control characters are blanked: what a guest's name or console may hold must not reach a terminal. */
const cleanLine = (line: string): string =>
  line
    .replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ' ')
    .replace(source, '')
    .trim()
    .slice(0, 400);

const mostBegins = 3;
const mostLines = 6;

const linesOf = (text: string): readonly string[] => text.split('\n').filter((l) => l.trim() !== '');
const telling = (lines: readonly string[]): readonly string[] => lines.filter((l) => !chatter.test(l));
const stating = (lines: readonly string[]): readonly string[] =>
  causes.map((c) => lines.filter((l) => c.test(l) && !consequence.test(l))).find((l) => l.length > 0) ?? [];
const distinct = (lines: readonly string[]): readonly string[] =>
  [...new Set(lines.map(cleanLine))].filter((l) => l !== '');

/** Of what a command printed to its two streams, the one that states a cause, or else tells more than chatter; the first of equals. */
export const tellingOf = (...streams: readonly string[]): string => {
  const all = streams.map((text) => ({ text, lines: telling(linesOf(text)) }));
  const best = all.find((s) => stating(s.lines).length > 0) ?? all.find((s) => s.lines.length > 0);
  return best?.text ?? streams.find((text) => text.trim() !== '') ?? '';
};

/**
 * Without libxl's source positions and chatter, joined by `; `; '' where nothing was printed. At most six lines: of a long text
 * three, those that state a cause before the others, and the last two.
 */
export const causeFirst = (text: string): string => {
  const lines = linesOf(text);
  const told = telling(lines);
  const all = told.length > 0 ? told : lines;
  const first = stating(all);
  const stated = new Set(first);
  const head = distinct(first);
  const rest = distinct(all.filter((l) => !stated.has(l))).filter((l) => !head.includes(l));
  if (head.length + rest.length <= mostLines) return [...head, ...rest].join('; ');
  const begins = [...head, ...rest].slice(0, mostBegins);
  const ends = (rest.length > 0 ? rest : head).filter((l) => !begins.includes(l)).slice(-2);
  return [...begins, '…', ...ends].join('; ');
};
