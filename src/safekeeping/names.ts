/**
 * What backups are called, and when one was made by its name. Pure.
 *
 * @module
 */

/** `tinyforge-20261127T001500Z.tar`, with `.age` when encrypted; `-2` for a second one of a second. */
export function backupName(
  at: Date,
  { encrypted, attempt = 1 }: { encrypted: boolean; attempt?: number },
): string {
  const again = attempt === 1 ? "" : `-${attempt}`;
  return `tinyforge-${stamp(at)}${again}.tar${encrypted ? ".age" : ""}`;
}

/** When the backup of this name was made, milliseconds since the Unix epoch; null for other names. */
export function backupTime(name: string): number | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? null : at;
}

/** A moment as it stands in the names of files: `20261127T001500Z`. */
export function stamp(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, "");
}

const NAME = /^tinyforge-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z(?:-\d{1,3})?\.tar(?:\.age)?$/;
