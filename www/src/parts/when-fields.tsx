// Date, time and zone, with the truth about hours that the clocks skip or repeat. Used by composer and reschedule.
import { allZones, browserZone, offsetName } from '../tz';
import type { Resolved } from '../tz';
import { when as inWords, zoneLabel } from '../format';
import { homeZone } from '../prefs';
import { FieldError } from './basics';

interface Props {
  id: string;
  date: string;
  time: string;
  zone: string;
  accountZone?: string | null;
  resolved: Resolved | null;
  error: string | null;
  zoneError?: string | null;
  onChange: (part: { date?: string; time?: string; zone?: string }) => void;
}

let zones: string[] | undefined;

function ZoneOptions({ first }: { first: string[] }) {
  zones ??= allZones();
  return (
    <>
      <optgroup label="Yours">
        {first.map((z) => <option key={z} value={z}>{zoneLabel(z)}</option>)}
      </optgroup>
      <optgroup label="All">
        {zones.filter((z) => !first.includes(z)).map((z) => <option key={z} value={z}>{z.replaceAll('_', ' ')}</option>)}
      </optgroup>
    </>
  );
}

export function ZoneSelect({ id, value, extra = [], invalid, onChange }: { id: string; value: string; extra?: string[]; invalid?: boolean; onChange: (z: string) => void }) {
  const first = [...new Set([value, ...extra, homeZone(), browserZone(), 'UTC'])];
  return (
    <select id={id} class="input" value={value} aria-invalid={invalid || undefined} onChange={(e) => onChange(e.currentTarget.value)}>
      <ZoneOptions first={first} />
    </select>
  );
}

function Explanation({ resolved, zone }: { resolved: Resolved; zone: string }) {
  const iso = new Date(resolved.at).toISOString();
  const mine = browserZone();
  return (
    <p class="hint" id="when-note">
      {resolved.kind === 'gap' && <strong>The clocks in {zone} skip this hour; the post goes out at the time shown here. </strong>}
      {resolved.kind === 'overlap' && <strong>The clocks in {zone} show this hour twice; the first is meant. </strong>}
      {inWords(iso, zone)} {offsetName(resolved.at, zone)}
      {offsetName(resolved.at, mine) !== offsetName(resolved.at, zone) && <>, {inWords(iso, mine)} where you are</>}
    </p>
  );
}

export function WhenFields({ id, date, time, zone, accountZone, resolved, error, zoneError = null, onChange }: Props) {
  return (
    <div class="when">
      <div class="when-grid">
        <div class="field">
          <label for={`${id}-date`}>Date</label>
          <input id={`${id}-date`} class="input" type="date" value={date} aria-invalid={error ? true : undefined} aria-describedby={`${id}-error`} onInput={(e) => onChange({ date: e.currentTarget.value })} />
        </div>
        <div class="field">
          <label for={`${id}-time`}>Time</label>
          <input id={`${id}-time`} class="input" type="time" step={1} value={time} aria-invalid={error ? true : undefined} aria-describedby={`${id}-error`} onInput={(e) => onChange({ time: e.currentTarget.value })} />
        </div>
        <div class="field">
          <label for={`${id}-zone`}>Time zone</label>
          <ZoneSelect id={`${id}-zone`} value={zone} extra={accountZone ? [accountZone] : []} invalid={!!zoneError} onChange={(z) => onChange({ zone: z })} />
        </div>
      </div>
      {resolved && <Explanation resolved={resolved} zone={zone} />}
      <FieldError id={`${id}-error`} text={error ?? zoneError} />
    </div>
  );
}
