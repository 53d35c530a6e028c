/** Diagnostics for people: file:line:column, the line with a caret below, what would be right, and related places. */
import type { Diagnostic, Position } from '../core/diagnostic.ts';
import { clean, colors, count, type Colors } from './text.ts';

/** How much of a line is shown, around the caret. */
const shownWidth = 110;

/** The line, cut to what fits around the caret, and what stands below it. */
const excerpt = (at: Position, paint: (s: string) => string): { readonly line: string; readonly caret: string } => {
  const column = at.column - 1;
  const width = Math.max(1, Math.min(at.width, shownWidth));
  const from = at.text.length <= shownWidth ? 0 : Math.max(0, Math.min(column - 30, at.text.length - shownWidth));
  const before = `${from > 0 ? '…' : ''}${clean(at.text.slice(from, column))}`;
  const marked = clean(at.text.slice(column, column + width));
  const end = Math.max(column + width, from + shownWidth);
  const after = `${clean(at.text.slice(column + width, end))}${end < at.text.length ? '…' : ''}`;
  return {
    line: `${before}${marked}${after}`.trimEnd(),
    caret: `${' '.repeat(before.length)}${paint('^'.repeat(Math.max(1, marked.length)))}`,
  };
};

const snippet = (at: Position, gutter: string, c: Colors, paint: (s: string) => string): readonly string[] => {
  if (at.width === 0) return [];
  const { line, caret } = excerpt(at, paint);
  const number = String(at.line).padStart(gutter.length);
  return [`${c.dim(`${number} |`)} ${line}`, `${c.dim(`${gutter} |`)} ${caret}`];
};

const place = (at: Position): string => `${clean(at.file)}:${at.line}:${at.column}`;

const render = (d: Diagnostic, c: Colors): string => {
  const paint = d.severity === 'error' ? c.red : c.yellow;
  const lines = [d.at?.line ?? 0, ...(d.related ?? []).map((r) => r.at.line)];
  const gutter = ' '.repeat(String(Math.max(...lines)).length + 1);
  const head = `${c.bold(paint(d.severity))}: ${c.bold(clean(d.message))} (${d.code})`;
  const out = [d.at ? `${c.cyan(place(d.at))}: ${head}` : head];
  if (d.at) out.push(...snippet(d.at, gutter, c, paint));
  for (const r of d.related ?? []) {
    out.push(`${gutter} ${c.cyan(place(r.at))}: ${clean(r.message)}`, ...snippet(r.at, gutter, c, c.cyan));
  }
  if (d.hint !== undefined) out.push(`${gutter} ${c.green('help')}: ${clean(d.hint)}`);
  return out.join('\n');
};

/** How many are shown unless said: what comes after them mostly follows from them. */
const mostShown = 20;

/** In their order; where there are too many, errors before warnings. */
const mostUrgent = (list: readonly Diagnostic[], most: number): readonly Diagnostic[] => {
  const errors = list.filter((d) => d.severity === 'error');
  const taken = new Set([...errors, ...list.filter((d) => d.severity !== 'error')].slice(0, most));
  return list.filter((d) => taken.has(d));
};

/**
 * The first of them, in their order, with a line that counts them; ends in a newline. Empty for none. What the files hold is
 * shown without its control characters, so that it cannot steer the terminal.
 */
export const renderDiagnostics = (
  list: readonly Diagnostic[],
  { color, most = mostShown }: { readonly color: boolean; readonly most?: number },
): string => {
  if (list.length === 0) return '';
  const c = colors(color);
  const errors = list.filter((d) => d.severity === 'error').length;
  const counts = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(list.length > errors ? [count(list.length - errors, 'warning')] : []),
  ];
  const shown = mostUrgent(list, most);
  const more = list.length - shown.length;
  const rest = more === 0 ? [] : [`and ${more} more; \`reeve validate --json\` lists all`];
  return `${[...shown.map((d) => render(d, c)), ...rest, counts.join(', ')].join('\n\n')}\n`;
};
