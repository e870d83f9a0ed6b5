"""REST faces: the TM Forum conventions (TMF630) once, for every app that shows its records to other systems.

An app declares an `Api` with its `Resource`s (resource.py); service.py answers a request: who asks (access.py), what of
it (filters.py, paging.py, fields of rendering.py), is the body right (shapes.py), has it been done already
(repetition.py). Refusals of acts become errors in the TMF form (errors.py). Start reading at resource.py.
"""
