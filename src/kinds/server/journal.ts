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
  /** Of a failure, as the outcome has it. Null: it is done. */
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

const texts = ['at', 'server', 'op', 'verb', 'subject', 'who', 'run', 'reeve'] as const;
const orNull = ['code', 'why', 'commit', 'plan'] as const;

/** Null: it is no line of a journal. */
export const parseEntry = (line: string): JournalEntry | null => {
  const read = parseJson(line);
  if (!read.ok || !isObject(read.value)) return null;
  const e = read.value;
  const { result, ms, dirty } = e;
  const sound =
    texts.every((k) => typeof e[k] === 'string') &&
    orNull.every((k) => e[k] === null || typeof e[k] === 'string') &&
    typeof ms === 'number' &&
    typeof dirty === 'boolean' &&
    (result === 'done' || result === 'failed') &&
    !Number.isNaN(Date.parse(String(e['at'])));
  return sound ? (e as unknown as JournalEntry) : null;
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
