"""What starts by itself: patrols, reviews, handovers, rounds. Each planned start is a row and is taken once.

An area registers its kinds in a module `service/<area>/planner.py`, which is found by itself:

    from service.timetable.kinds import Kind, Slot, Start, register

    def slots(session, centre_id, day):      # pure reading; `day` is a date in the centre's zone
        calendar = calendar_of(session, centre_id)
        if calendar.windows_on(day):         # [] on a holiday, the hours of its weekday on a make-up Saturday
            yield Slot(key="lobby", starts_at=calendar.opening_time(day), ends_at=calendar.closing_time(day))

    def begin(session, run):                 # in the transaction of the start; may write; raises NotWanted(reason)
        return Start({"slot_ends_at": run.ends_at}, business_key=f"R-{run.id}")

    register(Kind("round", process="duty-round", slots=slots, begin=begin))

`slots` is asked again every minute for today and tomorrow: what is new is added, what is no longer given and has not
started is taken away; so a changed roster, plan or calendar needs no call, and `actions.plan_ahead` is there for a page
that wants to show it at once. `Slot.due_at` says when to start if not at `starts_at` (a handover: 15 min before the
shift's end). `Kind.missed(session, run)` is called when the window passed without a start. Dates and times are the
planner's, in UTC. A run that starts late says by how much. `queries.runs` lists them.

A kind with `slots=None` is not planned ahead: a step says `steps.start_soon(connection, ...)` and the clock starts it
within a second, so that one procedure can set off another without waiting for it.
"""
