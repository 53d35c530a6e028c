/** The journal of a dom0: a line of JSON for each operation that was carried out there. Told to people; nothing is planned from it. */
import { isObject, parseJson } from '../../core/json.ts';
import { visible } from '../../core/visible.ts';

const folder = '/var/log/reeve';

/** The newest lines, and those before them. */
export const journalPath = `${folder}/journal.jsonl`;
export const olderPath = `${journalPath}.1`;

/**
 * Bytes of each of the two files, some 700 operations: a shell reads them a byte at a time, and has 8 s for all that it is asked to
 * look at.
 */
export const journalBytes = 256 * 1024;

/** From what an operation was planned. */
export interface Origin {
  /** Of the repository that the file lies in; null: it lies in none, or a saved plan was applied. */
  readonly commit: string | null;
  /** What was read is not all in that commit. */
  readonly dirty: boolean;
  /** The digest of the saved plan; null: there was none. */
  readonly plan: string | null;
}

export interface JournalEntry extends Origin {
  /** When it began, ISO 8601 in UTC, by the clock of where Reeve ran. */
  readonly at: string;
  readonly ms: number;
  readonly server: string;
  /** The operation's id: `web-1/attach-disk/xvdb`. */
  readonly op: string;
  readonly verb: string;
  /** `vm/web-1` */
  readonly subject: string;
  readonly result: 'done' | 'failed';
  /** Of a failure, or of what is to be known of a success, as the outcome has it. Null: it is done, and no more. */
  readonly code: string | null;
  /** Its first line. */
  readonly why: string | null;
  /** `ann@desk` */
  readonly who: string;
  /** The epoch of the run: the same on all servers. */
  readonly run: string;
  /** The version of Reeve. */
  readonly reeve: string;
}

/** Without a line end. */
export const journalLine = (entry: JournalEntry): string => visible(JSON.stringify(entry));

/** Characters: what is longer was written by somebody else. */
const mostText = 1000;
const isText = (x: unknown): x is string => typeof x === 'string' && x.length <= mostText;
const isTextOrNull = (x: unknown): x is string | null => x === null || isText(x);

/** Null: it is no line of a journal. What else stands in it is left out. */
export const parseEntry = (line: string): JournalEntry | null => {
  const read = parseJson(line);
  if (!read.ok || !isObject(read.value)) return null;
  const { at, ms, server, op, verb, subject, result, code, why, who, run, commit, dirty, plan, reeve } = read.value;
  if (!isText(at) || Number.isNaN(Date.parse(at)) || typeof ms !== 'number' || typeof dirty !== 'boolean') return null;
  if (!isText(server) || !isText(op) || !isText(verb) || !isText(subject)) return null;
  if (!isText(who) || !isText(run) || !isText(reeve)) return null;
  if (!isTextOrNull(code) || !isTextOrNull(why) || !isTextOrNull(commit) || !isTextOrNull(plan)) return null;
  if (result !== 'done' && result !== 'failed') return null;
  return { at, ms, server, op, verb, subject, result, code, why, who, run, commit, dirty, plan, reeve };
};

/**
 * `sh -c TEXT FOLDER BYTES FROM`: puts the lines of the file FROM behind those of the journal, which becomes the older one before it
 * gets longer than BYTES. Under the lock of the server.
 *
 * - The lines come in a file: the arguments of a process are for everybody to see, and are looked through for each xl that runs.
 * - /var/log may be writable for others than root (group `syslog`): whoever put something in the way is not followed.
 * - A write that broke off, as on a full disk, left a line without its end: what comes after begins a new one.
 */
export const appendText = `umask 077
no() { printf '%s\\n' "$1" >&2; exit 1; }
f=$0/journal.jsonl
[ -d "$0" ] || mkdir "$0" || exit
[ ! -L "$0" ] && [ -O "$0" ] && chmod go-w "$0" || no "$0 is not a folder of this user's own"
for g in "$f" "$f.1"; do
  [ ! -L "$g" ] && { [ -f "$g" ] || [ ! -e "$g" ]; } || no "$g is not a regular file"
done
if [ -s "$f" ]; then
  if [ $(($(wc -c <"$f") + $(wc -c <"$2"))) -gt "$1" ]; then mv -f "$f" "$f.1" || exit
  elif [ "$(tail -c 1 "$f")" ]; then echo >>"$f" || exit
  fi
fi
cat "$2" >>"$f" && rm -f "$2"`;

/** Where the lines of a run are brought, and the command that puts them behind the journal. */
export const broughtPath = '/run/reeve/journal.new';
export const appends: readonly string[] = ['sh', '-c', appendText, folder, String(journalBytes), broughtPath];
