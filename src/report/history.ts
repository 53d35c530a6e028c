/** What was done on the servers, newest last: a table, or data. */
import type { JournalEntry } from '../kinds/server/journal.ts';
import { note, plain, tableOf, type Line } from './columns.ts';
import { clean, colors, count, hang, took, type Colors } from './text.ts';

export interface HistoryServer {
  readonly name: string;
  /** `off`, `lost`: as the file says, and so it is not asked, or need not answer. */
  readonly state: 'read' | 'unread' | 'off' | 'lost';
  readonly why: string | null;
  readonly help: string | null;
  /** Lines of its journal that are none of a journal. */
  readonly broken: number;
}

export interface History {
  readonly format: 'reeve-history/1';
  readonly tool: string;
  readonly farm: string;
  /** The VM that was asked for. */
  readonly vm: string | null;
  /** ISO 8601; null: from the beginning of what is kept. */
  readonly since: string | null;
  readonly servers: readonly HistoryServer[];
  /** By when they began; `server` is the one in whose journal it stands. */
  readonly operations: readonly JournalEntry[];
}

/** Two-space JSON with a newline at its end. */
export const historyJson = (history: History): string => `${JSON.stringify(history, null, 2)}\n`;

const heads = ['WHEN', 'SERVER', 'OPERATION', 'TOOK', 'RESULT', 'WHO', 'FROM'];

const shortDigits = 10;

/** The commit, with a `+` where the files were not all in it; or the saved plan. */
const fromText = ({ commit, dirty, plan }: JournalEntry): string => {
  if (commit !== null) return `${clean(commit).slice(0, shortDigits)}${dirty ? '+' : ''}`;
  return plan === null
    ? '-'
    : `plan ${clean(plan)
        .replace(/^sha256:/, '')
        .slice(0, shortDigits)}`;
};

const lineOf = (e: JournalEntry, paint: Colors): Line => ({
  cells: [
    { text: new Date(e.at).toISOString().replace('T', ' ').replace(/\..*/, 'Z') },
    { text: clean(e.server) },
    { text: clean(e.op), paint: paint.bold },
    { text: took(e.ms), right: true },
    { text: e.result, paint: e.result === 'done' ? plain : paint.red },
    { text: clean(e.who) },
    { text: fromText(e) },
  ],
  notes: e.why === null ? [] : [note('!')(e.code === null ? e.why : `${e.why} (${e.code})`)],
});

/** Ends in a newline. */
export const renderHistory = (
  { servers, operations, vm }: History,
  { color, width }: { readonly color: boolean; readonly width: number },
): string => {
  const paint = colors(color);
  const unread = servers.filter((s) => s.state === 'unread');
  const broken = servers.reduce((n, s) => n + s.broken, 0);
  const nothing = `Nothing that was done${vm === null ? '' : ` to ${clean(vm)}`} is in the journals that were read.`;
  const missing = unread.flatMap((s) => [
    ...hang('  ', `${clean(s.name)}: ${clean(s.why ?? '')}`, '      ', width),
    ...(s.help === null ? [] : hang('      help: ', clean(s.help), '            ', width)),
  ]);
  const tail = [
    `${count(operations.length, 'operation')}, ${operations.filter((e) => e.result === 'failed').length} failed`,
    `${count(servers.length, 'server')}${unread.length > 0 ? `, ${unread.length} unread` : ''}`,
    ...(broken > 0 ? [`${count(broken, 'broken line')} left out`] : []),
  ];
  const lines = [
    ...(operations.length === 0
      ? [nothing]
      : tableOf(
          heads,
          operations.map((e) => lineOf(e, paint)),
          width,
          paint,
        )),
    '',
    ...(missing.length === 0 ? [] : [paint.yellow('Not read'), ...missing, '']),
    `${tail.join('; ')}.`,
  ];
  return `${lines.join('\n')}\n`;
};
