/** The exit codes, and the error that ends a command with one of them and a sentence for the person. */

export const exit = {
  done: 0,
  error: 1,
  pending: 2,
  invalid: 3,
  unread: 4,
  refused: 5,
  stale: 6,
  partly: 7,
  cancelled: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** Thrown for what the person must hear of; `help` says what would be right. */
export class ExitError extends Error {
  readonly code: ExitCode;
  readonly help: string | undefined;

  constructor(code: ExitCode, message: string, help?: string) {
    super(message);
    this.code = code;
    this.help = help;
  }
}
