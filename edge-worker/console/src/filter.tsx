// The filter of a list. What it is set to stands in the address.

import { useState } from "preact/hooks";
import { go, href } from "./route";

export interface Field {
  name: string;
  label: string;
  /** What may be chosen; without it, any text. */
  options?: string[];
  /** Texts that are offered while one is typed. */
  hints?: string[];
  /** Whether it is a time. */
  isTime?: boolean;
}

export function Filter({
  screen,
  fields,
  parameters,
}: {
  screen: string;
  fields: Field[];
  parameters: Record<string, string>;
}) {
  const [values, setValues] = useState(parameters);
  // A link may have changed the address.
  const [shown, setShown] = useState(parameters);
  if (fields.some(({ name }) => shown[name] !== parameters[name])) {
    setShown(parameters);
    setValues(parameters);
  }
  const set = (name: string, value: string) => setValues((last) => ({ ...last, [name]: value }));
  const isSet = fields.some(({ name }) => parameters[name]);

  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        const known = fields.map(({ name }): [string, string] => [name, (values[name] ?? "").trim()]);
        go(href(screen, null, Object.fromEntries(known)));
      }}
    >
      {fields.map((field) => (
        <Input key={field.name} field={field} value={values[field.name] ?? ""} set={set} />
      ))}
      <p class="buttons">
        <button type="submit" class="main">
          Filter
        </button>
        {isSet && <a href={href(screen)}>Show all</a>}
      </p>
    </form>
  );
}

function Input({
  field,
  value,
  set,
}: {
  field: Field;
  value: string;
  set: (name: string, value: string) => void;
}) {
  const { name, label, options, hints, isTime } = field;
  const id = `filter-${name}`;
  return (
    <label for={id}>
      <span>{label}</span>
      {options ? (
        <select id={id} value={value} onChange={(event) => set(name, event.currentTarget.value)}>
          <option value="">any</option>
          {options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      ) : isTime ? (
        <input
          id={id}
          type="datetime-local"
          value={value.replace(/(:\d\d)?(\.\d+)?Z$/, "")}
          onInput={({ currentTarget: { value } }) => set(name, value && `${value}:00Z`)}
        />
      ) : (
        <>
          <input
            id={id}
            value={value}
            list={hints && `${id}-hints`}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => set(name, event.currentTarget.value)}
          />
          {hints && (
            <datalist id={`${id}-hints`}>
              {hints.map((hint) => (
                <option key={hint} value={hint} />
              ))}
            </datalist>
          )}
        </>
      )}
    </label>
  );
}
